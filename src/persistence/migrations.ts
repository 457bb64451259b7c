import type { Transaction } from "@mikro-orm/core";
import type { Migrator } from "@mikro-orm/migrations";
import { readdir } from "node:fs/promises";
import { createOrm, migrationsPath } from "./orm.ts";
import type { Orm } from "./orm.ts";

/** Any number will do, as long as every gateway takes the same. */
const migrationLock = 7_220_418_035;

/** The start must stop: the database is older than the code. */
export class PendingMigrations extends Error {
  constructor(names: string[]) {
    super(
      `The database lacks ${names.length} migration${names.length === 1 ? "" : "s"} (${names.join(", ")}): ` +
        "run `node bin/gatehouse.js migrate up`, or set MIGRATE_ON_START=on.",
    );
  }
}

/** Applies pending migrations, or refuses to go on without them. @throws PendingMigrations */
export async function migrateOnStart(orm: Orm, allowed: boolean): Promise<void> {
  const pending = await pendingMigrations(orm);
  if (pending.length === 0) return;
  if (!allowed) throw new PendingMigrations(pending);
  await migrateUp(orm);
}

/** Those that the database has, in the order in which it got them. */
export async function appliedMigrations(orm: Orm): Promise<{ name: string; at: string }[]> {
  const em = orm.em.fork();
  const [table] = await em.execute<[{ is_there: boolean }]>(
    "select to_regclass('migrations') is not null as is_there",
  );
  return table.is_there ? em.execute("select name, executed_at as at from migrations order by id") : [];
}

/** The names of those that it lacks, oldest first. Every start asks, so the migrator is not loaded for it. */
export async function pendingMigrations(orm: Orm): Promise<string[]> {
  const files = (await readdir(migrationsPath)).filter((file) => /(?<!\.d)\.ts$/.test(file));
  const applied = new Set((await appliedMigrations(orm)).map(({ name }) => name));
  return files
    .map((file) => file.slice(0, -".ts".length))
    .filter((name) => !applied.has(name))
    .toSorted();
}

/** Applies every pending migration, one process at a time. @returns the names of those applied */
export async function migrateUp(orm: Orm): Promise<string[]> {
  return underMigrationLock(orm, (migrator, transaction) => migrator.up({ transaction }));
}

/** Takes back the last migration. @returns its name, or none when there was nothing to take back */
export async function migrateDown(orm: Orm): Promise<string[]> {
  return underMigrationLock(orm, (migrator, transaction) => migrator.down({ transaction }));
}

async function underMigrationLock(
  orm: Orm,
  work: (migrator: Migrator, transaction: Transaction) => Promise<{ name: string }[]>,
): Promise<string[]> {
  const unhurried = createOrm(orm.config.get("clientUrl") ?? "", { info: () => {} }, { hurried: false });
  try {
    return await unhurried.em.fork().transactional(async (em) => {
      // Whatever the role or the database has set.
      await em.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0");
      await em.execute("select pg_advisory_xact_lock(?)", [migrationLock]);
      return (await work(await migratorOf(unhurried), em.getTransactionContext())).map(({ name }) => name);
    });
  } finally {
    await unhurried.close();
  }
}

export async function migratorOf(orm: Orm): Promise<Migrator> {
  const { Migrator } = await import("@mikro-orm/migrations");
  return new Migrator(orm.em);
}

/** What would have to change in the database for it to be as the entities say; empty when they agree. */
export async function schemaDifference(orm: Orm): Promise<string> {
  return orm.schema.getUpdateSchemaSQL({ wrap: false });
}
