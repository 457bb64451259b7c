import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { killAll, post, serve } from "./support/gateway-process.ts";
import { openStream } from "./support/revocation-feed.ts";
import { until } from "./support/until.ts";

let databaseUrl: string;
let here: string;
let there: string;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  const environment = { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: "a secret of thirty-two bytes or more" };
  [{ url: here }, { url: there }] = await Promise.all([serve(environment), serve(environment)]);
});
afterAll(async () => {
  await killAll();
  await dropDatabase(databaseUrl);
});

let count = 0;
const register = async (url: string): Promise<string> => {
  count += 1;
  const input = `email: "${count}@example.com", username: "user${count}", password: "correct horse"`;
  const { data } = await post(url, `mutation { register(input: { ${input} }) { token } }`);
  return data.register.token as string;
};
const sessionOf = (token: string) => decodeJwt<{ sid: string }>(token).sid;
const reason = async (url: string, token: string) =>
  (await post(url, "{ me { id } }", `Token ${token}`)).errors?.[0].extensions.reason;

it.each([
  ["signed out", () => "logout { revokedSessions }"],
  ["revoked", (token: string) => `revokeSession(id: "${sessionOf(token)}") { session { id } }`],
])("a session that is %s in one process is refused by the other at the next request", async (_, end) => {
  const token = await register(here);
  const stream = await openStream(there);
  expect(await reason(there, token)).toBeUndefined();
  const verify = () => fetch(`${there}/auth/verify`, { headers: { authorization: `Bearer ${token}` } });
  expect((await verify()).status).toBe(200);

  expect(await post(here, `mutation { ${end(token)} }`, `Token ${token}`)).not.toHaveProperty("errors");
  expect(await reason(there, token)).toBe("TOKEN_REVOKED");
  expect((await verify()).status).toBe(401);
  await until(() => stream.events.some(({ ids }) => ids.includes(sessionOf(token))), 5_000);
  stream.close();
});
