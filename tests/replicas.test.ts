import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { createDatabase, dropDatabase, query } from "./support/database.ts";
import { killAll, post, serve } from "./support/gateway-process.ts";
import { openStream } from "./support/revocation-feed.ts";
import { until } from "./support/until.ts";

interface Tokens {
  token: string;
  refreshToken: string;
}

let databaseUrl: string;
/** Two processes on one database. */
let replicas: Awaited<ReturnType<typeof serve>>[];
beforeAll(async () => {
  databaseUrl = await createDatabase();
  const environment = {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
    MAX_SESSIONS_PER_USER: "3",
  };
  replicas = await Promise.all([serve(environment), serve(environment)]);
});
afterAll(async () => {
  await killAll();
  await dropDatabase(databaseUrl);
});

const at = (replica: 0 | 1, document: string, token?: string) =>
  post(replicas[replica]?.url ?? "", document, token && `Token ${token}`);
const register = async (username: string): Promise<Tokens> => {
  const input = `{ email: "${username}@example.com", username: "${username}", password: "correct horse" }`;
  return (await at(0, `mutation { register(input: ${input}) { token refreshToken } }`)).data.register;
};
const login = async (username: string, replica: 0 | 1 = 0): Promise<Tokens> => {
  const input = `{ username: "${username}", password: "correct horse" }`;
  return (await at(replica, `mutation { login(input: ${input}) { token refreshToken } }`)).data.login;
};
const refusal = async (replica: 0 | 1, token: string) =>
  (await at(replica, "{ me { id } }", token)).errors?.[0].extensions.reason;
const verified = async (replica: 0 | 1, token: string) =>
  (await fetch(`${replicas[replica]?.url}/auth/verify`, { headers: { authorization: `Bearer ${token}` } }))
    .status;
const sidOf = ({ token }: Tokens) => decodeJwt<{ sid: string }>(token).sid;

describe("what one replica ends is refused by the other a moment later", () => {
  it.each<[string, string, (by: Tokens, ended: Tokens) => Promise<unknown>]>([
    ["logout", "TOKEN_REVOKED", (_by, { token }) => at(0, "mutation { logout { revokedSessions } }", token)],
    [
      "revokeSession",
      "TOKEN_REVOKED",
      (by, ended) => at(0, `mutation { revokeSession(id: "${sidOf(ended)}") { session { id } } }`, by.token),
    ],
    [
      "a new password",
      "TOKEN_REVOKED",
      (by) => at(0, 'mutation { updateUser(input: { password: "another one" }) { user { id } } }', by.token),
    ],
    [
      "deactivation",
      "USER_DEACTIVATED",
      ({ token }) =>
        query(databaseUrl, "update users set is_active = false where id = $1", [decodeJwt(token).sub]),
    ],
    [
      "deletion",
      "USER_NOT_FOUND",
      ({ token }) => query(databaseUrl, "delete from users where id = $1", [decodeJwt(token).sub]),
    ],
  ])("%s: %s", async (how, reason, end) => {
    const username = how.replaceAll(" ", "-");
    const [by, ended] = [await register(username), await login(username)];
    const stream = await openStream(replicas[1]?.url ?? "");
    expect(await refusal(1, ended.token)).toBeUndefined();
    expect(await verified(1, ended.token)).toBe(200);
    await end(by, ended);
    await until(async () => (await refusal(1, ended.token)) !== undefined, 5_000);
    expect(await refusal(1, ended.token)).toBe(reason);
    expect(await verified(1, ended.token)).toBe(401);
    await until(() => stream.events.some(({ ids }) => ids.includes(sidOf(ended))), 5_000);
    stream.close();
    const again = await at(1, `mutation { refreshToken(refreshToken: "${ended.refreshToken}") { token } }`);
    expect(again.errors?.[0].extensions.reason).toBe(reason);
  });
});

it("both keep to MAX_SESSIONS_PER_USER when people sign in on both at once", async () => {
  const signIns = [await register("busy")];
  signIns.push(
    ...(await Promise.all(Array.from({ length: 20 }, (_, index) => login("busy", index % 2 ? 1 : 0)))),
  );
  for (const replica of [0, 1] as const) {
    const alive = async () => {
      const refusals = await Promise.all(signIns.map(({ token }) => refusal(replica, token)));
      return refusals.filter((reason) => reason === undefined).length;
    };
    await until(async () => (await alive()) === 3, 5_000);
    const refusals = await Promise.all(signIns.map(({ token }) => refusal(replica, token)));
    expect(refusals.filter((reason) => reason === undefined)).toHaveLength(3);
    expect(refusals.filter((reason) => reason === "TOKEN_REVOKED")).toHaveLength(18);
  }
});
