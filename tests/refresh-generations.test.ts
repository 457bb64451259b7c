import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import jwt from "jsonwebtoken";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";

const owner = "192.0.2.1";
const thief = "203.0.113.66";

let gateway: Gateway;
/** Another replica on the same database. */
let other: Gateway;
// With a shared secret the tests can make refresh tokens.
const environment = {
  TRUST_PROXY: "1",
  JWT_ALGORITHM: "HS256",
  JWT_SECRET: "a secret of thirty-two bytes or more",
};
beforeAll(async () => {
  gateway = await startGateway(environment);
  other = await startReplica(gateway, environment);
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

let first: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  first = await register(gateway, {
    email: "ada@example.com",
    username: "ada",
    password: "correct horse battery",
  });
});

const send = async (
  query: string,
  variables: object,
  { at = gateway, ip = owner, token = "" } = {},
): Promise<GraphqlAnswer> => {
  const answer = await fetch(`${at.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-forwarded-for": ip,
      ...(token && { authorization: `Token ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return { status: answer.status, ...((await answer.json()) as Omit<GraphqlAnswer, "status">) };
};
const me = ({ token }: Tokens, ip = owner, at = gateway) =>
  send("{ me { username } }", {}, { token, ip, at });
const tryRefresh = ({ refreshToken }: Tokens, ip = owner, at = gateway) =>
  send(
    `mutation ($old: JWT!) {
      refreshToken(refreshToken: $old) { token refreshToken expiresAt refreshTokenExpiresAt }
    }`,
    { old: refreshToken },
    { ip, at },
  );
const refresh = async (tokens: Tokens, ip = owner, at = gateway): Promise<Tokens & { expiresAt: string }> => {
  const { data, errors } = await tryRefresh(tokens, ip, at);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.refreshToken as Tokens & { expiresAt: string };
};
const verify = ({ token }: Tokens, ip = owner) =>
  fetch(`${gateway.url}/auth/verify`, {
    headers: { authorization: `Token ${token}`, "x-forwarded-for": ip },
  });
const logout = ({ refreshToken }: Tokens, scope: string, token = "") =>
  send(
    "mutation ($scope: LogoutScope!, $refreshToken: JWT) { logout(scope: $scope, refreshToken: $refreshToken) { revokedSessions } }",
    { scope, refreshToken: token ? null : refreshToken },
    { token },
  );

const generationOf = ({ refreshToken }: Tokens) => decodeJwt<{ gen: number }>(refreshToken).gen;
/** As if the grace time had passed since the last refresh. */
const passGrace = () => gateway.sql("update sessions set rotated_at = rotated_at - interval '31 seconds'");
const sessions = () => gateway.sql("select revoked_reason from sessions order by id");
const live = [{ revoked_reason: null }];
const reused = [{ revoked_reason: "refresh_token_reused" }];
const events = (type: string) => {
  const { sub } = decodeJwt<{ sub: string }>(first.token);
  return gateway.sql("select cause, ip from auth_events where type = $1 and user_id = $2 order by id", [
    type,
    sub,
  ]);
};
/** A refresh token of the session of `first`, as the gateway signs it. */
const tokenOf = (generation: number): Tokens => {
  const claims = { ...decodeJwt(first.refreshToken), gen: generation };
  const header = { alg: "HS256", typ: "rt+jwt" };
  return { ...first, refreshToken: jwt.sign(claims, environment.JWT_SECRET, { header }) };
};

/** The answer to `first` was lost, and asked for again after the grace time. */
const retryAfterGrace = async () => {
  const lost = await refresh(first);
  await passGrace();
  return { lost, retried: await refresh(first) };
};

describe("a spent refresh token", () => {
  it("yields a new generation after the grace time if its answer was never used", async () => {
    const { lost, retried } = await retryAfterGrace();
    expect([generationOf(lost), generationOf(retried)]).toEqual([1, 2]);
    expect((await me(retried)).errors).toBeUndefined();
    expect((await tryRefresh(retried)).errors).toBeUndefined();
    expect(await sessions()).toEqual(live);
    // The exchange after the retry is within five minutes of the first one, which stands for it.
    expect(await events("TOKEN_REFRESHED")).toMatchObject([{ cause: null }, { cause: "RETRIED" }]);
  });

  it("yields a new generation each time that the answer is lost", async () => {
    const answers = [await refresh(first)];
    for (let count = 0; count < 3; count++) {
      await passGrace();
      answers.push(await refresh(first, owner, count % 2 ? gateway : other));
    }
    expect(answers.map(generationOf)).toEqual([1, 2, 3, 4]);
    const newest = answers.at(-1) as Tokens;
    expect((await me(newest)).errors).toBeUndefined();
    await passGrace();
    expect(generationOf(await refresh(newest))).toBe(5);
    expect(await sessions()).toEqual(live);
  });

  it("yields one new generation for 30 that come at once on two replicas (ASVS V15.4.2)", async () => {
    const lost = await refresh(first);
    await passGrace();
    const pairs = await Promise.all(
      Array.from({ length: 30 }, (_, index) => refresh(first, owner, index % 2 ? gateway : other)),
    );
    expect(new Set(pairs.map(generationOf))).toEqual(new Set([2]));
    expect(reasonOf(await tryRefresh(lost))).toBe("TOKEN_REVOKED");
  });

  it.each([2, 3, 12])("yields the present pair within the grace time, %d generations old", async (count) => {
    let present = first;
    const spent = [];
    for (let index = 0; index < count; index++) {
      spent.push(present);
      present = await refresh(present);
      expect((await me(present)).errors).toBeUndefined();
    }
    for (const tokens of spent) expect(await refresh(tokens)).toEqual(present);
    expect(generationOf(await refresh(spent[0] as Tokens, owner, other))).toBe(count);
    expect(await sessions()).toEqual(live);
  });

  it("yields the present pair within the grace time after a retry", async () => {
    const { retried } = await retryAfterGrace();
    expect(await refresh(first)).toEqual(retried);
    const next = await refresh(retried);
    expect(await refresh(first)).toEqual(next);
  });

  const uses: [string, (tokens: Tokens) => Promise<unknown>][] = [
    ["its access token was used", (tokens) => me(tokens)],
    ["its access token was used on another replica", (tokens) => me(tokens, owner, other)],
    ["its access token was seen by /auth/verify", (tokens) => verify(tokens)],
    ["its access token signed out the other sessions", (tokens) => logout(tokens, "OTHERS", tokens.token)],
    ["its refresh token was used", (tokens) => refresh(tokens)],
    ["its refresh token signed out the other sessions", (tokens) => logout(tokens, "OTHERS")],
  ];
  it.each(uses)("ends the session after the grace time once %s (ASVS V10.4.5)", async (_what, use) => {
    const next = await refresh(first);
    await use(next);
    expect(await sessions()).toEqual(live);
    await passGrace();
    expect(reasonOf(await tryRefresh(first, thief))).toBe("TOKEN_REVOKED");
    expect(await sessions()).toEqual(reused);
    expect(reasonOf(await me(next))).toBe("TOKEN_REVOKED");
    expect(await events("REFRESH_REUSED")).toEqual([{ cause: null, ip: thief }]);
  });

  it("ends the session after the grace time when two generations old (ASVS V10.4.5)", async () => {
    const second = await refresh(first);
    await passGrace();
    await refresh(second);
    expect(reasonOf(await tryRefresh(first))).toBe("TOKEN_REVOKED");
    expect(await sessions()).toEqual(reused);
  });
});

describe("a superseded answer", () => {
  const uses: [string, (tokens: Tokens) => Promise<unknown>][] = [
    ["its refresh token", (tokens) => tryRefresh(tokens, thief)],
    ["its access token", (tokens) => me(tokens, thief)],
    ["its access token on another replica", (tokens) => me(tokens, thief, other)],
    ["its access token at /auth/verify", (tokens) => verify(tokens, thief)],
  ];
  it.each(uses)("ends the session by the first use of %s (ASVS V10.4.5)", async (_what, use) => {
    const { lost, retried } = await retryAfterGrace();
    expect((await me(retried)).errors).toBeUndefined();
    await use(lost);
    expect(await sessions()).toEqual(reused);
    expect(reasonOf(await me(retried))).toBe("TOKEN_REVOKED");
    expect(reasonOf(await tryRefresh(retried))).toBe("TOKEN_REVOKED");
    expect(await events("REFRESH_REUSED")).toEqual([{ cause: null, ip: thief }]);
  });

  it("has no grace time, and ends the session however many generations later", async () => {
    const { lost, retried } = await retryAfterGrace();
    let present: Tokens = retried;
    for (let count = 0; count < 3; count++) {
      present = await refresh(present);
      expect((await me(present)).errors).toBeUndefined();
    }
    expect((await me(retried)).errors).toBeUndefined();
    expect(reasonOf(await me(lost))).toBe("TOKEN_REVOKED");
    expect(await sessions()).toEqual(reused);
  });

  it.each(["CURRENT", "OTHERS", "ALL"])(
    "ends its own session, and no other, when it signs out %s",
    async (scope) => {
      const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
      const input = { username: "ada", password: "correct horse battery" };
      for (const token of ["access", "refresh"]) {
        await gateway.sql("delete from sessions where revoked_at is not null");
        const { lost } = await retryAfterGrace();
        const { data } = await send(login, { input });
        const answer = await logout(lost, scope, token === "access" ? lost.token : "");
        expect(answer.data.logout).toEqual({ revokedSessions: 1 });
        expect(await sessions()).toEqual([...reused, ...live]);
        expect((await me(data.login as Tokens)).errors).toBeUndefined();
        await gateway.sql("truncate users cascade");
        first = await register(gateway, { email: "a@b.co", username: "ada", password: input.password });
      }
    },
  );

  it("is the first or the last of an answer and its retry that come at once", async () => {
    for (let round = 0; round < 5; round++) {
      const lost = await refresh(first);
      await passGrace();
      const [used, retried] = await Promise.all([me(lost, thief, other), tryRefresh(first)]);
      expect([used, retried].some(({ errors }) => errors !== undefined)).toBe(true);
      const [session] = await sessions();
      if (session?.["revoked_reason"] === null) throw new Error("two parties go on");
      await gateway.sql("truncate users cascade");
      first = await register(gateway, {
        email: "a@b.co",
        username: "ada",
        password: "correct horse battery",
      });
    }
  });
});

describe("a thief", () => {
  it("who trails one generation behind never gets the owner's pair, and ends the session at the owner's use", async () => {
    const owners = await refresh(first);
    await passGrace();
    const stolen = await refresh(first, thief);
    expect(stolen.refreshToken).not.toBe(owners.refreshToken);
    expect((await me(stolen, thief)).errors).toBeUndefined();
    expect(reasonOf(await me(owners))).toBe("TOKEN_REVOKED");
    expect(reasonOf(await me(stolen, thief))).toBe("TOKEN_REVOKED");
  });

  it("who refreshes first and waits is shut out when the owner retries", async () => {
    const stolen = await refresh(first, thief);
    await passGrace();
    const owners = await refresh(first);
    expect((await me(owners)).errors).toBeUndefined();
    expect(reasonOf(await me(stolen, thief))).toBe("TOKEN_REVOKED");
  });

  it("who has the access token alone of a lost answer ends the session at the owner's retry", async () => {
    const lost = await refresh(first);
    expect((await me(lost, thief)).errors).toBeUndefined();
    await passGrace();
    expect(reasonOf(await tryRefresh(first))).toBe("TOKEN_REVOKED");
  });

  it("who repeats a refresh is recorded, whatever the owner's second tab repeats before", async () => {
    await refresh(first);
    for (const ip of [owner, thief, owner, thief]) await refresh(first, ip);
    expect(await events("TOKEN_REFRESHED")).toEqual([
      { cause: null, ip: owner },
      { cause: "REPEATED", ip: owner },
      { cause: "REPEATED", ip: thief },
    ]);
  });
});

describe("a repeated refresh with ACCESS_TOKEN_TTL below REFRESH_GRACE", () => {
  const shortLived = { ...environment, ACCESS_TOKEN_TTL: "20s", REFRESH_GRACE: "120s" };

  it("hands out a fresh access token, on every replica", async () => {
    const replicas = await Promise.all([
      startReplica(gateway, shortLived),
      startReplica(gateway, shortLived),
    ]);
    const [one] = replicas;
    const present = await refresh(first, owner, one);
    await gateway.sql("update sessions set rotated_at = rotated_at - interval '60 seconds'");
    for (const at of replicas) {
      const repeated = await refresh(first, owner, at);
      const claims = decodeJwt<{ exp: number; iat: number; jti: string; sid: string }>(repeated.token);
      expect(claims.exp).toBe(claims.iat + 20);
      expect(new Date(repeated.expiresAt).getTime()).toBe(claims.exp * 1000);
      expect(claims.jti).not.toBe(decodeJwt(present.token).jti);
      expect((await me(repeated, owner, at)).errors).toBeUndefined();
      expect(generationOf(repeated)).toBe(1);
    }
    expect((await refresh(first, owner, one)).refreshToken).toBe(present.refreshToken);
    // Its use counts as one of its generation.
    await gateway.sql("update sessions set rotated_at = rotated_at - interval '120 seconds'");
    expect(reasonOf(await tryRefresh(first, owner, one))).toBe("TOKEN_REVOKED");
    await Promise.all(replicas.map((replica) => replica.close()));
  });
});

describe("the state of generations", () => {
  it("stays small however often a session is refreshed", async () => {
    let present = first;
    for (let count = 0; count < 5; count++) {
      await refresh(present);
      await passGrace();
      present = await refresh(present);
    }
    const state = async () => {
      const [row] = await gateway.sql(`
        select (select count(*)::int from unnest(superseded_generations)) as superseded,
          (select count(*)::int from jsonb_object_keys(spent_generations)) as spent from sessions`);
      return row;
    };
    expect(await state()).toEqual({ superseded: 5, spent: 6 });
    await gateway.sql(`update sessions set refresh_generation = 2000, spent_generations = (
      select jsonb_object_agg(key, value::text::float8 - 31) from jsonb_each(spent_generations))`);
    await refresh(tokenOf(2000));
    expect(await state()).toEqual({ superseded: 0, spent: 1 });
  });

  it("goes on after refreshes by the previous release, which records none", async () => {
    const rotateAsBefore =
      "update sessions set refresh_generation = refresh_generation + 1, rotated_at = now()";
    await refresh(first);
    await gateway.sql(rotateAsBefore);
    expect(generationOf(await refresh(tokenOf(1)))).toBe(2);
    await passGrace();
    expect(generationOf(await refresh(tokenOf(1)))).toBe(3);
    await gateway.sql(rotateAsBefore);
    const present = await refresh(tokenOf(4));
    expect(generationOf(present)).toBe(5);
    expect(await refresh(tokenOf(3))).toEqual(present);
    expect((await me(present)).errors).toBeUndefined();
    expect(await sessions()).toEqual(live);
  });
});
