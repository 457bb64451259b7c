import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { Client } from "pg";
import { createVerifier } from "../src/verify/verifier.ts";
import type { Verifier } from "../src/verify/verifier.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { feedPath, idsOf } from "./support/revocation-feed.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
/** Another replica on the same database. */
let other: Gateway;
let verifier: Verifier;
beforeAll(async () => {
  gateway = await startGateway({ MAX_SESSIONS_PER_USER: "10000" });
  other = await startReplica(gateway);
  verifier = createVerifier({
    issuer: "gatehouse",
    audience: ["gatehouse", "gatehouse/upstream"],
    jwksUri: `${other.url}/.well-known/jwks.json`,
    revocations: `${other.url}${feedPath}`,
  });
});
afterAll(async () => {
  verifier.close();
  await other.close();
  await gateway.close();
});

const password = "correct horse battery";
const ada = { email: "ada@example.com", username: "ada", password };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
});

const pair =
  "token expiresAt refreshToken refreshTokenExpiresAt user { id username email sessions { edges { node { id current } } } }";
const change = async (token: string, input: object = { password: "another horse battery" }, from = gateway) =>
  from.graphql(
    `mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { username } session { ${pair} } } }`,
    { input },
    `Token ${token}`,
  );
const changed = async (token: string, input?: object): Promise<Tokens> => {
  const { data, errors } = await change(token, input);
  expect(errors).toBeUndefined();
  return data.updateUser.session;
};
const login = async (secret: string, from = gateway): Promise<Tokens> => {
  const document = "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }";
  return (await from.graphql(document, { input: { username: "ada", password: secret } })).data.login;
};
const me = (token: string, from = gateway) => from.graphql("{ me { username } }", {}, `Token ${token}`);
const refresh = (t: string, from = gateway) =>
  from.graphql("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token refreshToken } }", { t });
const verdict = (token: string) =>
  verifier.verify(token).then(
    () => "good",
    ({ reason }: { reason: string }) => reason,
  );
const untilRevoked = (token: string) => until(async () => (await verdict(token)) === "TOKEN_REVOKED");
const shortToken = async ({ token }: Tokens) => {
  const answer = await fetch(`${gateway.url}/auth/verify?token=true`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.headers.get("authorization")?.slice("Bearer ".length) ?? "";
};
const listFrom = async ({ url }: Gateway) => (await fetch(`${url}${feedPath}`)).text();

describe("a change of password", () => {
  it("ends every older token of the account, and answers with a new pair (ASVS V7.4.3)", async () => {
    const refreshed = (await refresh(tokens.refreshToken)).data.refreshToken as Tokens;
    const elsewhere = await login(password, other);
    const copies = [tokens, refreshed, elsewhere];
    const short = await shortToken(refreshed);
    for (const { token } of copies) expect((await me(token, other)).errors).toBeUndefined();
    expect(await verdict(short)).toBe("good");

    const { data } = await change(refreshed.token);
    const { session } = data.updateUser;
    for (const from of [gateway, other]) {
      await until(async () => (await me(elsewhere.token, from)).errors !== undefined);
      for (const { token } of copies) expect(reasonOf(await me(token, from))).toBe("TOKEN_REVOKED");
      for (const copy of copies)
        expect(reasonOf(await refresh(copy.refreshToken, from))).toBe("TOKEN_REVOKED");
    }
    for (const token of [...copies.map((copy) => copy.token), short]) await untilRevoked(token);

    expect(
      await gateway.sql(
        "select distinct revoked_reason as reason from sessions where revoked_at is not null",
      ),
    ).toEqual([{ reason: "password_changed" }]);
    const { sid, iat = 0, exp = 0 } = decodeJwt<{ sid: string }>(session.token);
    expect(session).toMatchObject({
      expiresAt: new Date(exp * 1000).toISOString(),
      user: {
        username: "ada",
        email: ada.email,
        sessions: { edges: [{ node: { id: sid, current: true } }] },
      },
    });
    expect(exp - iat).toBe(900);
    expect((await me(session.token, other)).data).toEqual({ me: { username: "ada" } });
    expect(await verdict(session.token)).toBe("good");
    const next = (await refresh(session.refreshToken)).data.refreshToken as Tokens;
    expect(await verdict(next.token)).toBe("good");
  });

  it("is the only change that answers with a session", async () => {
    const { data } = await change(tokens.token, {
      bio: "I am.",
      username: "ada2",
      email: "ada2@example.com",
    });
    expect(data).toEqual({ updateUser: { user: { username: "ada2" }, session: null } });
    expect((await me(tokens.token)).data).toEqual({ me: { username: "ada2" } });
  });

  it("refuses no token of later sign-ins and refreshes, however soon", async () => {
    const { token } = await changed(tokens.token);
    const later = await login("another horse battery", other);
    const again = await changed(later.token, { password: "a third horse battery" });
    const last = await login("a third horse battery");
    const refreshed = (await refresh(last.refreshToken)).data.refreshToken as Tokens;
    for (const old of [tokens.token, token, later.token]) await untilRevoked(old);
    for (const good of [again, last, refreshed]) {
      expect(await verdict(good.token)).toBe("good");
      expect((await me(good.token, other)).errors).toBeUndefined();
    }
  });

  it("refuses no token that a proxy hands on for the new session, however soon", async () => {
    const session = await changed(tokens.token);
    const { iat: issuedAt = 0 } = decodeJwt(session.token);
    const short = await shortToken(session);
    await untilRevoked(tokens.token);
    expect(await verdict(short)).toBe("good");
    expect(decodeJwt(short).iat).toBeGreaterThanOrEqual(issuedAt);
  });

  it("ends the later of two at once, and the session of each of both", async () => {
    const answers = await Promise.all([
      change(tokens.token),
      change(tokens.token, { password: "a third horse" }, other),
    ]);
    const made = answers.flatMap(({ data }) => data?.updateUser?.session ?? []);
    expect(made).toHaveLength(1);
    expect(answers.filter(({ errors }) => errors).map(reasonOf)).toEqual(["TOKEN_REVOKED"]);
    expect(await gateway.sql("select id from sessions where revoked_at is null")).toEqual([
      { id: decodeJwt(made[0].token)["sid"] },
    ]);
  });

  it("lets later fields of the same operation fail", async () => {
    const { data, errors } = await gateway.graphql(
      `mutation { first: updateUser(input: { password: "another horse battery" }) { session { token } }
        second: updateUser(input: { bio: "x" }) { user { bio } } }`,
      {},
      `Token ${tokens.token}`,
    );
    expect(errors?.map(({ path, extensions }) => [path, extensions.reason])).toEqual([
      [["second"], "TOKEN_REVOKED"],
    ]);
    expect(data ?? null).toBeNull();
  });
});

describe("the end of thousands of sessions at once", () => {
  it.each([
    ["a change of password", () => change(tokens.token)],
    ["deactivation", () => gateway.sql("update users set is_active = false where username = 'ada'")],
  ])("is one entry and one notice: %s", async (_what, end) => {
    const { sub, sid } = decodeJwt<{ sid: string }>(tokens.token);
    await gateway.sql(
      `insert into sessions (id, user_id, refresh_expires_at, expires_at)
       select gen_random_uuid(), $1, now() + interval '1 day', now() + interval '1 day' from generate_series(1, 5000)`,
      [sub],
    );
    const bystander = await register(gateway, { ...ada, email: "b@example.com", username: "b" });
    const heard: string[] = [];
    const listener = new Client({ connectionString: gateway.databaseUrl });
    await listener.connect();
    await listener.query("listen gatehouse_session_ended; listen gatehouse_forget");
    listener.on("notification", ({ channel }) => heard.push(channel));

    await end();
    await untilRevoked(tokens.token);
    expect(await verdict(bystander.token)).toBe("good");
    expect(heard.toSorted()).toEqual(["gatehouse_forget", "gatehouse_session_ended"]);
    await listener.end();
    for (const replica of [gateway, other]) {
      await until(async () => (await listFrom(replica)).length < 2_000);
      const list = await listFrom(replica);
      expect(idsOf(list)).not.toContain(sid);
      expect(decodeJwt(list)["subs"]).toMatch(/^[\w-]{27,}$/);
    }
    // The previous release reads these.
    const [row] = await gateway.sql<{ count: number }>(
      "select count(*)::int as count from session_revocations r join sessions s on s.id = r.session_id where not listed",
    );
    expect(row?.count).toBe(5_001);
  });
});
