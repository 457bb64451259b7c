import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { accountOf, password, sendFrom, signInFrom, throttled } from "../support/throttled.ts";
import type { Outcome } from "../support/throttled.ts";

const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { bio } } }";
const refreshDocument = "mutation ($old: JWT!) { refreshToken(refreshToken: $old) { refreshToken } }";
const revokeDocument = "mutation ($id: ID!) { revokeSession(id: $id) { session { id } } }";
const home = "192.0.2.1";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ ...throttled, RATE_LIMIT_REFRESH: "5/1h", RATE_LIMIT_UPDATE: "4/1h" });
});
afterAll(() => gateway.close());

const signIn = async (name: string) => (await signInFrom(gateway, home, name, password)).data.login;
const eventsOf = (name: string) =>
  gateway.sql(
    `select e.ip, e.cause from auth_events e join users u on u.id = e.user_id
     where u.username = $1 and e.type = 'TOKEN_REFRESHED' order by e.id`,
    [name],
  );

/** Refreshes with each new token. */
async function refresh(
  token: string,
  count: number,
  from = home,
): Promise<{ last: string; outcomes: Outcome[] }> {
  let last = token;
  const outcomes: Outcome[] = [];
  for (let index = 0; index < count; index++) {
    const outcome = await sendFrom(gateway, from, refreshDocument, { old: last });
    if (outcome.code === "OK") last = outcome.data.refreshToken.refreshToken;
    outcomes.push(outcome);
  }
  return { last, outcomes };
}
const codesOf = (outcomes: Outcome[]) => outcomes.map(({ code }) => code);
const many = (count: number, code: string) => Array<string>(count).fill(code);

describe("refreshToken", () => {
  it("is done as often as RATE_LIMIT_REFRESH says in each session", async () => {
    const { refreshToken } = await accountOf(gateway, "ada", home);
    const { outcomes } = await refresh(refreshToken, 7);
    expect(codesOf(outcomes)).toEqual([...many(5, "OK"), ...many(2, "TOO_MANY_REQUESTS")]);
    const refused = outcomes[6];
    expect(Number(refused?.retryAfter)).toBeGreaterThan(3_000);
    expect(refused?.extensions).toEqual({
      code: "TOO_MANY_REQUESTS",
      retryAfter: Number(refused?.retryAfter),
    });
    expect((await refresh((await signIn("ada")).refreshToken, 1)).outcomes[0]?.code).toBe("OK");
  });

  it("is done ten times as often in all sessions of an account together", async () => {
    const { refreshToken } = await accountOf(gateway, "bob", home);
    const sessions = [refreshToken];
    for (let index = 1; index < 11; index++) sessions.push((await signIn("bob")).refreshToken);
    const codes: string[] = [];
    for (const session of sessions) codes.push(...codesOf((await refresh(session, 5)).outcomes));
    expect(codes).toEqual([...many(50, "OK"), ...many(5, "TOO_MANY_REQUESTS")]);
  });

  it("is recorded once for a session and an address, as long as it repeats", async () => {
    const { refreshToken } = await accountOf(gateway, "cid", home);
    const { last } = await refresh(refreshToken, 3);
    await refresh(last, 2, "198.51.100.1");
    expect(await eventsOf("cid")).toEqual([
      { ip: home, cause: null },
      { ip: "198.51.100.1", cause: null },
    ]);
    await refresh((await signIn("cid")).refreshToken, 2);
    expect(await eventsOf("cid")).toHaveLength(3);
  });
});

describe("changes by signed-in callers", () => {
  it("are made as often as RATE_LIMIT_UPDATE says for an account, from all of its sessions", async () => {
    const { token } = await accountOf(gateway, "dan", home);
    const { token: other } = await signIn("dan");
    const update = (index: number, by: string) =>
      sendFrom(gateway, home, updateDocument, { input: { bio: `${index}` } }, by);
    // A form that fails writes nothing.
    for (let index = 0; index < 6; index++)
      expect((await sendFrom(gateway, home, updateDocument, { input: { bio: "" } }, token)).code).toBe(
        "BAD_USER_INPUT",
      );
    const outcomes: Outcome[] = [];
    for (let index = 0; index < 6; index++) outcomes.push(await update(index, index % 2 ? token : other));
    expect(codesOf(outcomes)).toEqual([...many(4, "OK"), ...many(2, "TOO_MANY_REQUESTS")]);
    expect(await gateway.sql("select bio from users where username = 'dan'")).toEqual([{ bio: "3" }]);
    // Signing out is never refused.
    const out = await sendFrom(
      gateway,
      home,
      "mutation { logout(scope: ALL) { revokedSessions } }",
      {},
      token,
    );
    expect(out.data).toEqual({ logout: { revokedSessions: 2 } });
  });

  it("count by themselves for a new password, so that a thief cannot keep the owner from it", async () => {
    const { token: stolen } = await accountOf(gateway, "fay", home);
    const update = (input: object, by: string) => sendFrom(gateway, home, updateDocument, { input }, by);
    const outcomes: Outcome[] = [];
    for (let index = 0; index < 5; index++) outcomes.push(await update({ bio: `${index}` }, stolen));
    expect(codesOf(outcomes)).toEqual([...many(4, "OK"), "TOO_MANY_REQUESTS"]);
    const { token } = await signIn("fay");
    expect((await update({ password: "another horse battery" }, token)).code).toBe("OK");
    expect((await update({ bio: "x" }, stolen)).code).toBe("UNAUTHENTICATED");
  });

  it("count by session for revokeSession, so that a thief cannot keep the owner from it", async () => {
    const { token } = await accountOf(gateway, "eve", home);
    const revoke = () =>
      sendFrom(gateway, home, revokeDocument, { id: "00000000-0000-7000-8000-000000000000" }, token);
    const outcomes: Outcome[] = [];
    for (let index = 0; index < 5; index++) outcomes.push(await revoke());
    expect(codesOf(outcomes)).toEqual([...many(4, "NOT_FOUND"), "TOO_MANY_REQUESTS"]);
    const { token: other } = await signIn("eve");
    expect((await sendFrom(gateway, home, revokeDocument, { id: sessionOf(token) }, other)).code).toBe("OK");
  });
});

function sessionOf(token: string): string {
  const [, claims = ""] = token.split(".");
  return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { sid: string }).sid;
}
