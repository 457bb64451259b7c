import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { Client } from "pg";
import { databaseUrl, query } from "../support/database.ts";
import { expectTheRestToServe, expectUnavailable, statusOf } from "../support/faulty-database.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import { untilPoolIsIdle } from "../support/pool.ts";
import { until } from "../support/until.ts";

let gateway: Gateway;
let token: string;
let database: string;
const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const role = `limited_${process.pid}`;
beforeAll(async () => {
  gateway = await startGateway({ RATE_LIMIT: "off" });
  database = new URL(gateway.databaseUrl).pathname.slice(1);
  ({ token } = await register(gateway, ada));
});
afterAll(async () => {
  await gateway.close();
  await query(databaseUrl("postgres"), `drop role if exists ${role}`);
});

const admin = (text: string) => query(databaseUrl("postgres"), text);
const me = (from = gateway) => from.graphql("{ me { username } }", {}, `Token ${token}`);
const rename = (fullName: string, from = gateway) =>
  from.graphql(
    "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { fullName } } }",
    { input: { fullName } },
    `Token ${token}`,
  );
const count = async (table: string) =>
  (await gateway.sql<{ count: number }>(`select count(*)::int from ${table}`))[0]?.count;

it("waits some seconds for a lock or for a connection, and serves again when there is one", async () => {
  const holder = new Client({ connectionString: gateway.databaseUrl });
  await holder.connect();
  await holder.query("begin; select from users for update");
  const replica = await startReplica(gateway);
  const pool = await replica.app.orm.em.getConnection().getNativeClient();
  const held = await Promise.all(Array.from({ length: 20 }, () => pool.connect()));

  const began = performance.now();
  const [locked, late] = await Promise.all([
    rename("Nobody"),
    me(replica),
    rename("Nobody", replica),
    expectTheRestToServe(replica, token),
  ]);
  expectUnavailable(locked);
  expectUnavailable(late);
  // Each waits for 5 seconds; a busy machine adds its own.
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(gateway.log.join("\n")).toMatch(/"cause":\{[^}]*"code":"57014"\},"msg":"the database is out"/);

  expect((await me()).data).toEqual({ me: { username: "ada" } });
  for (const client of held) client.release();
  expect((await me(replica)).data).toEqual({ me: { username: "ada" } });
  expect(await statusOf(replica, "/health/ready")).toBe(200);
  await holder.end();
  expect((await rename("Ada")).data.updateUser.user.fullName).toBe("Ada");
  await untilPoolIsIdle(gateway);
  await untilPoolIsIdle(replica);
  await replica.close();
});

it("says that the disk is full, leaves nothing half-made, and serves what writes nothing", async () => {
  await gateway.sql(`create function disk_full() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`);
  await gateway.sql("create trigger full_disk before insert on sessions execute function disk_full()");
  const input = { email: "late@example.com", username: "late", password: "a password of hers" };
  const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
  const before = [await count("users"), await count("sessions"), await count("auth_events")];
  expectUnavailable(await gateway.graphql(document, { input }));
  expect([await count("users"), await count("sessions"), await count("auth_events")]).toEqual(before);
  expect((await me()).data).toEqual({ me: { username: "ada" } });
  expect(gateway.log.join("\n")).toMatch(
    /"requestId":"[^"]+","cause":\{[^}]*No space left[^}]*"code":"53100"/,
  );

  await gateway.sql("drop function disk_full cascade");
  await register(gateway, input);
  await untilPoolIsIdle(gateway);
});

it("leaves a server that takes no writes any more as soon as there is a successor", async () => {
  // What is opened from now on leads to the standby.
  const primary = await pids();
  await admin(`alter database ${database} set default_transaction_read_only = on`);
  await terminate(`datname = '${database}'`);
  await until(async () => (await pids()).every((pid) => !primary.includes(pid)));
  const answers = await Promise.all(Array.from({ length: 20 }, () => me()));
  expect(answers.map(({ data }) => data.me.username)).toEqual(Array(20).fill("ada"));
  expectUnavailable(await rename("Nobody"));
  await expectTheRestToServe(gateway, token);

  await Promise.all(Array.from({ length: 20 }, () => me()));
  const standby = await pids();
  // From now on to its successor; what is open stays open.
  await admin(`alter database ${database} reset default_transaction_read_only`);
  await until(async () => (await statusOf(gateway, "/health/ready")) === 200);
  expect((await rename("Ada the Second")).data.updateUser.user.fullName).toBe("Ada the Second");
  await until(async () => {
    await Promise.all(Array.from({ length: 20 }, () => me()));
    return (await pids()).every((pid) => !standby.includes(pid));
  });
  await untilPoolIsIdle(gateway);
});

it("says so when others have all the connections, and serves when there is one again", async () => {
  await admin(`create role ${role} login password 'limited' in role pg_read_all_data, pg_write_all_data`);
  const url = new URL(gateway.databaseUrl);
  url.username = role;
  url.password = "limited";
  const limited = await startReplica(gateway, { DATABASE_URL: url.href });
  expect((await me(limited)).data).toEqual({ me: { username: "ada" } });

  await admin(`alter role ${role} connection limit 0`);
  await terminate(`usename = '${role}'`);
  // It takes a moment to notice.
  await until(async () => (await me(limited)).errors !== undefined);
  expectUnavailable(await me(limited));
  expectUnavailable(await rename("Nobody", limited));
  await expectTheRestToServe(limited, token);
  const verified = await fetch(`${limited.url}/auth/verify`, {
    headers: { authorization: `Token ${token}` },
  });
  expect([verified.status, verified.headers.get("retry-after")]).toEqual([503, "5"]);

  await admin(`alter role ${role} connection limit 10`);
  await until(async () => (await statusOf(limited, "/health/ready")) === 200);
  expect((await me(limited)).data).toEqual({ me: { username: "ada" } });
  await limited.close();
  await until(async () => (await count(`pg_stat_activity where usename = '${role}'`)) === 0);
  await gateway.sql(`drop owned by ${role}`);
});

it("hashes no password while the database is out", async () => {
  const one = await startReplica(gateway);
  const hashed = [jest.spyOn(one.app.hasher, "hash"), jest.spyOn(one.app.hasher, "verify")];
  await admin(`alter database ${database} allow_connections false`);
  await terminate(`datname = '${database}'`);
  const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
  const signUp = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
  for (const [document, input] of [
    [login, { username: "ada", password: ada.password }],
    [signUp, { email: "x@example.com", username: "x", password: "a password of hers" }],
  ] as const)
    expectUnavailable(await one.graphql(document, { input }));
  for (const made of hashed) expect(made).not.toHaveBeenCalled();
  await admin(`alter database ${database} allow_connections true`);
  await one.close();
});

function terminate(which: string): Promise<unknown> {
  return admin(`select pg_terminate_backend(pid) from pg_stat_activity where ${which}`);
}

async function pids(): Promise<number[]> {
  const rows = await gateway.sql<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'gatehouse' and datname = current_database()",
  );
  return rows.map(({ pid }) => pid);
}
