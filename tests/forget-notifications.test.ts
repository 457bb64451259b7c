import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { Client } from "pg";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";

let gateway: Gateway;
let listener: Client;
let heard: string[];
beforeAll(async () => {
  gateway = await startGateway({ MAX_SESSIONS_PER_USER: "100" });
  listener = new Client({ connectionString: gateway.databaseUrl });
  await listener.connect();
  await listener.query("listen gatehouse_forget");
  listener.on("notification", ({ payload = "" }) => void heard.push(payload));
});
afterAll(async () => {
  await listener.end();
  await gateway.close();
});

const password = "correct horse battery";
let people = 0;
let username: string;
let tokens: Tokens;
let id: string;
let sid: string;
beforeEach(async () => {
  username = `person${++people}`;
  tokens = await register(gateway, { email: `${username}@b.co`, username, password });
  const claims = decodeJwt<{ sid: string }>(tokens.token);
  [id, sid] = [claims.sub ?? "", claims.sid];
  await told();
});

/** What was notified; whoever listens hears it before the answer to a query of theirs. */
const told = async (): Promise<string[]> => {
  await listener.query("select");
  const ids = heard ?? [];
  heard = [];
  return ids;
};
const send = (text: string, variables = {}) => gateway.graphql(text, variables, `Token ${tokens.token}`);

it.each([
  "bio = 'x'",
  "email = 'x@example.com'",
  "username = 'another'",
  "full_name = 'x'",
  "birth_date = '1815-12-10'",
  "is_active = false",
  "is_staff = true",
  "updated_at = now()",
])("tells of a user whose row changes in what a request reads: %s", async (change) => {
  await gateway.sql(`update users set ${change} where id = '${id}'`);
  expect(await told()).toContain(id);
});

it.each([
  "revoked_at = now()",
  "expires_at = expires_at - interval '1 second'",
  "authenticated_at = now() - interval '1 hour'",
])("tells of a session that ends, may end sooner or is another: %s", async (change) => {
  await gateway.sql(`update sessions set ${change} where id = '${sid}'`);
  expect(await told()).toEqual([sid]);
});

it("tells of what is deleted", async () => {
  await gateway.sql("delete from users where id = $1", [id]);
  expect((await told()).toSorted()).toEqual([id, sid].toSorted());
});

it("says nothing at sign-ins, refreshes and uses, new hashes and ends of what had ended", async () => {
  const login = `mutation { login(input: { username: "${username}", password: "${password}" }) { token } }`;
  expect((await send(login)).errors).toBeUndefined();
  const { errors } = await send("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }", {
    t: tokens.refreshToken,
  });
  expect(errors).toBeUndefined();
  await gateway.sql("update sessions set last_used_at = now() - interval '1 hour' where id = $1", [sid]);
  await send("{ me { id } }");
  await gateway.app.lastUse.flush();
  await gateway.sql("update users set password_hash = 'x' where id = $1", [id]);
  expect(await told()).toEqual([]);
  await gateway.sql("update sessions set revoked_at = now() where id = $1", [sid]);
  expect(await told()).toEqual([sid]);
  await gateway.sql(
    "update sessions set revoked_at = now() + interval '1 s', expires_at = now() where id = $1",
    [sid],
  );
  await gateway.sql("delete from sessions where id = $1", [sid]);
  expect(await told()).toEqual([]);
});

it("tells of many in one transaction by one word for all", async () => {
  await gateway.sql(
    `insert into users (id, email, username, password_hash)
     select gen_random_uuid(), 'many' || n || '@b.co', 'many' || n, 'x' from generate_series(1, 3000) n`,
  );
  await gateway.sql("update users set is_staff = true where username like 'many%'");
  const ids = await told();
  expect([ids.length, ids.filter((each) => each === "*").length]).toEqual([1001, 1]);
  await gateway.sql(
    "begin; update users set is_staff = false where id = (select max(id::text)::uuid from users); rollback",
  );
  await gateway.sql("update users set is_staff = true where id = $1", [id]);
  expect(await told()).toEqual([id]);
});

it.each(["users", "sessions"])("tells of all when %s is emptied", async (table) => {
  await gateway.sql(`truncate ${table} cascade`);
  expect(await told()).toEqual(["*"]);
});
