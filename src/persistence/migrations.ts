import type { Transaction } from "@mikro-orm/core";
import type { Migrator } from "@mikro-orm/migrations";
import { readdir } from "node:fs/promises";
import { checkBeforeMigrating, missingPrivilege, UnsuitableDatabase } from "./database-requirements.ts";
import { createOrm, migrationsPath } from "./orm.ts";
import type { Orm } from "./orm.ts";
import { compareSchemaObjects, readSchemaObjects } from "./schema-objects.ts";

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

/**
 * Applies pending migrations, or refuses to go on without them. Migrations of a newer release may be there: the previous
 * release works on its schema.
 * @throws PendingMigrations
 */
export async function migrateOnStart(orm: Orm, allowed: boolean): Promise<void> {
  const pending = await pendingMigrations(orm);
  if (pending.length > 0 && !allowed) throw new PendingMigrations(pending);
  if (pending.length > 0) await migrateUp(orm);
}

/**
 * Those that the database has, in the order in which it got them.
 * @throws UnsuitableDatabase when the role may not read them
 */
export async function appliedMigrations(orm: Orm): Promise<{ name: string; at: string }[]> {
  const em = orm.em.fork();
  const [table] = await em.execute<[{ may_read: boolean | null; role: string }]>(
    "select has_table_privilege(to_regclass('migrations'), 'select') as may_read, quote_ident(current_user) as role",
  );
  if (table.may_read === false)
    throw new UnsuitableDatabase([missingPrivilege(table.role, "select", "migrations")]);
  return table.may_read ? em.execute("select name, executed_at as at from migrations order by id") : [];
}

/** The names of those that it lacks, oldest first. Every start asks, so the migrator is not loaded for it. */
export async function pendingMigrations(orm: Orm): Promise<string[]> {
  const applied = new Set((await appliedMigrations(orm)).map(({ name }) => name));
  return (await ownMigrations()).filter((name) => !applied.has(name));
}

/** The names of the migrations of this release, oldest first. */
export async function ownMigrations(): Promise<string[]> {
  const files = (await readdir(migrationsPath)).filter((file) => /(?<!\.d)\.ts$/.test(file));
  return files.map((file) => file.slice(0, -".ts".length)).toSorted();
}

/** Applies every pending migration, one process at a time. @returns the names of those applied */
export async function migrateUp(orm: Orm): Promise<string[]> {
  return underMigrationLock(orm, (migrator, transaction) => migrator.up({ transaction }));
}

/** Takes back the last migration. @returns its name, or none when there was nothing to take back */
export async function migrateDown(orm: Orm): Promise<string[]> {
  const own = await ownMigrations();
  const newer = (await appliedMigrations(orm)).findLast(({ name }) => !own.includes(name));
  if (newer)
    throw new Error(`The migration ${newer.name} is of a newer release, which alone can take it back.`);
  return underMigrationLock(orm, (migrator, transaction) => migrator.down({ transaction }));
}

async function underMigrationLock(
  orm: Orm,
  work: (migrator: Migrator, transaction: Transaction) => Promise<{ name: string }[]>,
): Promise<string[]> {
  return withMigrationOrm(orm, (unhurried) =>
    unhurried.em.fork().transactional(async (em) => {
      // Whatever the role or the database has set.
      await em.execute(`
        select set_config(name, '0', true) from pg_settings
        where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`);
      await em.execute("select pg_advisory_xact_lock(?)", [migrationLock]);
      return (await work(await migratorOf(unhurried), em.getTransactionContext())).map(({ name }) => name);
    }),
  );
}

/** Works with an ORM that waits as long as it takes, and puts tables into the schema that everything else reads. */
async function withMigrationOrm<T>(orm: Orm, work: (unhurried: Orm) => Promise<T>): Promise<T> {
  const schema = await checkBeforeMigrating(orm);
  const databaseUrl = orm.config.get("clientUrl") ?? "";
  const unhurried = createOrm(databaseUrl, { info: () => {} }, { hurried: false, schema });
  try {
    return await work(unhurried);
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
  return withMigrationOrm(orm, (unhurried) => unhurried.schema.getUpdateSchemaSQL({ wrap: false }));
}

const rehearsalSchema = "gatehouse_check";

/**
 * Compares tables, indexes, constraints, triggers and functions with those that the migrations make, which are applied to
 * an empty schema and rolled back. @returns a line for each difference
 */
export async function objectDifferences(orm: Orm): Promise<string[]> {
  return withMigrationOrm(orm, async (unhurried) => {
    const em = unhurried.em.fork();
    const schema = unhurried.config.get("schema") ?? "public";
    await em.begin();
    try {
      await em.execute(`create schema ${rehearsalSchema}`).catch((cause: unknown) => {
        throw new Error(
          "The check needs the privilege CREATE on the database, for a schema that is rolled back.",
          { cause },
        );
      });
      const transaction = em.getTransactionContext();
      await (
        await migratorOf(unhurried)
      ).up({ ...(transaction && { transaction }), schema: rehearsalSchema });
      const expected = await readSchemaObjects(em, rehearsalSchema);
      return compareSchemaObjects(expected, await readSchemaObjects(em, schema));
    } finally {
      await em.rollback();
    }
  });
}
