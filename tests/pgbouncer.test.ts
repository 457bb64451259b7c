import { describe, expect, it } from "@jest/globals";
import { migrateUp } from "../src/persistence/migrations.ts";
import { createOrm } from "../src/persistence/orm.ts";
import { asSuperuser, createDatabase, dropDatabase, query } from "./support/database.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import { gatehouse } from "./support/gateway-process.ts";
import { hasPgbouncer, startPgbouncer } from "./support/pgbouncer.ts";
import { liveThroughSession } from "./support/whole-session.ts";

if (!hasPgbouncer) console.warn("skipped: pgbouncer is not here");
const withPgbouncer = hasPgbouncer ? describe : describe.skip;

const sessionSettings = `
  select current_setting('statement_timeout') as timeout, current_setting('search_path') as path,
    (select count(*)::int from pg_prepared_statements) as prepared, (select count(*)::int from pg_listening_channels()) as channels`;

withPgbouncer("behind pgbouncer", () => {
  it.each([
    ["with its defaults", {}],
    ["in transaction mode", { pool_mode: "transaction" }],
    ["in transaction mode, on two connections", { pool_mode: "transaction", default_pool_size: 2 }],
  ])("two replicas serve as one: %s", async (_how, settings) => {
    const databaseUrl = await createDatabase("template0");
    const pooler = await startPgbouncer(databaseUrl, settings);
    const orm = createOrm(pooler.url, { info: () => {} });
    expect(await migrateUp(orm)).not.toEqual([]);
    await orm.close();
    const gateway = await startGateway({ DATABASE_URL: pooler.url });
    const other = await startReplica(gateway);
    await Promise.all(
      Array.from({ length: 10 }, (_each, number) =>
        liveThroughSession(number % 2 ? gateway : other, number % 2 ? other : gateway, `user${number}`),
      ),
    );
    await gateway.app.removal.removeBatch();
    expect((await fetch(`${other.url}/health/ready`)).status).toBe(200);
    const isTold = gateway.log.join("\n").includes("DATABASE_URL leads to a connection pooler");
    expect(isTold).toBe("pool_mode" in settings);
    for (const line of [...gateway.log, ...other.log]) expect(JSON.parse(line).level).toBeLessThan(40);
    // What the sessions that others use as well have kept.
    expect(await query(pooler.url, sessionSettings)).toEqual([
      { timeout: "0", path: '"$user", public', prepared: 0, channels: 0 },
    ]);
    await other.close();
    await gateway.close();
    await pooler.stop();
    await dropDatabase(databaseUrl);
  });

  it("refuses a schema that the search path of the role does not have", async () => {
    const databaseUrl = await createDatabase("template0");
    await query(databaseUrl, "create schema auth");
    const pooler = await startPgbouncer(databaseUrl, { pool_mode: "transaction" });
    const migrated = await gatehouse(["migrate", "up"], {
      DATABASE_URL: `${pooler.url}?schema=auth`,
      ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
    }).exit;
    expect(migrated.code).toBe(1);
    expect(migrated.stderr).toContain("behind a pooler `schema=auth` in DATABASE_URL has no effect");
    expect(await query(databaseUrl, "select from pg_tables where schemaname in ('public', 'auth')")).toEqual(
      [],
    );
    await pooler.stop();
    await dropDatabase(databaseUrl);
  });

  it("refuses to start when the role has settings that only a session of its own could correct", async () => {
    const databaseUrl = await createDatabase();
    const name = new URL(databaseUrl).pathname.slice(1);
    await query(
      asSuperuser(databaseUrl),
      `alter database ${name} set default_transaction_isolation = 'serializable'`,
    );
    const pooler = await startPgbouncer(databaseUrl, { pool_mode: "transaction" });
    const started = await gatehouse(["serve"], {
      DATABASE_URL: pooler.url,
      ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
      PORT: "0",
    }).exit;
    expect(started).toMatchObject({
      code: 1,
      stderr:
        "gatehouse: The database cannot be used: transactions are serializable; run `alter role test_owner in database " +
        `${name} set default_transaction_isolation = 'read committed'\`.\n`,
    });
    await pooler.stop();
    await dropDatabase(databaseUrl);
  });
});
