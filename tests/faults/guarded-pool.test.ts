import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { Pool } from "pg";
import { isDatabaseOutage } from "../../src/database/database-outage.ts";
import { guardPool } from "../../src/persistence/guarded-pool.ts";
import { countAgainst, runForAddress } from "../../src/shares/current-caller.ts";
import { databaseUrl } from "../support/database.ts";
import { startFaultRelay } from "../support/fault-relay.ts";
import { until } from "../support/until.ts";

let pool: Pool;
beforeEach(() => {
  pool = poolOf(databaseUrl("postgres"));
});
afterEach(() => pool.end());

function poolOf(connectionString: string, connectionTimeoutMillis = 2_000): Pool {
  const made = new Pool({
    connectionString,
    max: 2,
    connectionTimeoutMillis,
    query_timeout: 300,
    application_name: "guarded pool test",
  });
  made.on("error", () => {}).on("connect", (client) => client.on("error", () => {}));
  guardPool(made);
  return made;
}

const withCode = (code: unknown) => Object.assign(new Error("x"), { code });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: { code?: string }) => error.code,
  );

it("lets a thousand wait for a connection, and no more", async () => {
  await pool.end();
  pool = poolOf(databaseUrl("postgres"), 60_000);
  const holders = [await pool.connect(), await pool.connect()];
  const waiting = Array.from({ length: 1_000 }, () => pool.query("select 1"));
  expect(await codeOf(pool.query("select 1"))).toBe("08001");
  await expect(pool.connect()).rejects.toThrow("too many queries wait for a connection");
  for (const holder of holders) holder.release();
  await Promise.all(waiting);
  expect([pool.totalCount, pool.idleCount]).toEqual([2, 2]);
});

it("serves a newcomer before the rest of what another address waits for, and one account before another's rest", async () => {
  const holders = [await pool.connect(), await pool.connect()];
  const served: string[] = [];
  const ask = (address: string, account: string, count: number) =>
    Array.from({ length: count }, () =>
      runForAddress(
        () => address,
        async () => {
          countAgainst(account);
          await pool.query("select 1");
          served.push(`${address} ${account}`);
        },
      ),
    );
  const all = [
    ...ask("192.0.2.1", "ada", 20),
    ...ask("192.0.2.1", "bob", 1),
    ...ask("2001:db8:1:2::1", "eve", 20),
    ...ask("2001:db8:1:3::1", "eve", 1),
  ];
  holders[0]?.release();
  await until(() => served.length >= 8);
  holders[1]?.release();
  await Promise.all(all);
  expect(served.indexOf("192.0.2.1 bob")).toBeLessThan(8);
  expect(served.indexOf("2001:db8:1:3::1 eve")).toBeLessThan(8);
  expect([pool.totalCount, pool.idleCount]).toEqual([2, 2]);
});

it("displaces what an address waits for in excess, when too many wait", async () => {
  const holders = [await pool.connect(), await pool.connect()];
  const ask = (address: string) =>
    runForAddress(
      () => address,
      () => codeOf(pool.query("select 1")),
    );
  const waiting = Array.from({ length: 1_000 }, () => ask("192.0.2.1"));
  const newcomer = ask("192.0.2.2");
  expect(await waiting.at(-1)).toBe("08001");
  for (const holder of holders) holder.release();
  expect(await newcomer).toBe("none");
  expect(new Set(await Promise.all(waiting.slice(0, -1)))).toEqual(new Set(["none"]));
});

it("keeps a connection after an error of SQL alone", async () => {
  const pidOf = async () =>
    (await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid;
  const pid = await pidOf();
  const client = await pool.connect();
  expect(await codeOf(client.query("select 1 / 0"))).toBe("22012");
  client.release();
  expect(await pidOf()).toBe(pid);
});

it.each([
  ["that was terminated", "select pg_terminate_backend(pg_backend_pid())", "57P01"],
  ["to a server that takes no writes", "create table t ()", "25006"],
  ["on which nothing is heard for too long", "select pg_sleep(1)", "08006"],
  ["on which a transaction cannot begin", "begin isolation level of my own", "42601"],
])("drops a connection %s while it is held", async (_what, statement, code) => {
  const client = await pool.connect();
  await client.query("set default_transaction_read_only = on");
  expect(await codeOf(client.query(statement))).toBe(code);
  expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
  // What held it may go on in its way.
  expect(await codeOf(client.query("rollback"))).toBe("08006");
  client.release();
  expect(await codeOf(pool.query("select 1"))).toBe("none");
});

it("opens all connections anew when the server takes no writes any more", async () => {
  const [first, second] = [await pool.connect(), await pool.connect()];
  const removed = new Set<unknown>();
  pool.on("remove", (client) => removed.add(client));
  await first.query("set default_transaction_read_only = on");
  second.release();
  await codeOf(first.query("create table t ()"));
  await pool.query("select 1");
  await until(() => removed.has(first) && removed.has(second));
  expect(pool.totalCount).toBe(1);
});

it("says that a database which cannot be reached is out, whatever the reason", async () => {
  const relay = await startFaultRelay(databaseUrl("postgres"));
  await relay.close();
  const wrongPassword = new URL(databaseUrl("postgres"));
  wrongPassword.password = "wrong";
  for (const url of [relay.url, wrongPassword.href, databaseUrl("not_there")]) {
    const broken = poolOf(url);
    const failure = await broken.query("select 1").catch((error: unknown) => error);
    expect([(failure as { code: string }).code, isDatabaseOutage(failure)]).toEqual(["08001", true]);
    await until(() => broken.totalCount === 0);
    await broken.end();
  }
});

it("tells a database that cannot serve from a fault of ours", () => {
  const outages = ["08006", "53300", "53100", "57P01", "57014", "58030", "25006", "40001", "40P01", "55P03"];
  for (const code of outages) expect([code, isDatabaseOutage(withCode(code))]).toEqual([code, true]);
  for (const code of ["42703", "22P02", "23505", "ECONNREFUSED", "ERR_INVALID_ARG_TYPE", 53, undefined])
    expect([code, isDatabaseOutage(withCode(code))]).toEqual([code, false]);
  expect(isDatabaseOutage(undefined)).toBe(false);
});
