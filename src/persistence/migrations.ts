import type { Transaction } from "@mikro-orm/core";
import { createOrm } from "./orm.ts";
import type { Orm } from "./orm.ts";

/** Any number will do, as long as every gateway takes the same. */
const migrationLock = 7_220_418_035;

/** The start must stop: the database is older than the code. */
export class PendingMigrations extends Error {
  constructor(names: string[]) {
    super(
      `The database lacks ${names.length} migration${names.length === 1 ? "" : "s"} (${names.join(", ")}): ` +
        "run `npx gatehouse migrate up`, or set MIGRATE_ON_START=on.",
    );
  }
}

/** Applies pending migrations, or refuses to go on without them. @throws PendingMigrations */
export async function migrateOnStart(orm: Orm, allowed: boolean): Promise<void> {
  const pending = await orm.migrator.getPending();
  if (pending.length === 0) return;
  if (!allowed) throw new PendingMigrations(pending.map(({ name }) => name));
  await migrateUp(orm);
}

/** Applies every pending migration, one process at a time. @returns the names of those applied */
export async function migrateUp(orm: Orm): Promise<string[]> {
  return underMigrationLock(orm, ({ migrator }, transaction) => migrator.up({ transaction }));
}

/** Takes back the last migration. @returns its name, or none when there was nothing to take back */
export async function migrateDown(orm: Orm): Promise<string[]> {
  return underMigrationLock(orm, ({ migrator }, transaction) => migrator.down({ transaction }));
}

async function underMigrationLock(
  orm: Orm,
  work: (unhurried: Orm, transaction: Transaction) => Promise<{ name: string }[]>,
): Promise<string[]> {
  const unhurried = createOrm(orm.config.get("clientUrl") ?? "", { info: () => {} }, { hurried: false });
  try {
    return await unhurried.em.fork().transactional(async (em) => {
      // Whatever the role or the database has set.
      await em.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0");
      await em.execute("select pg_advisory_xact_lock(?)", [migrationLock]);
      return (await work(unhurried, em.getTransactionContext())).map(({ name }) => name);
    });
  } finally {
    await unhurried.close();
  }
}

/** What would have to change in the database for it to be as the entities say; empty when they agree. */
export async function schemaDifference(orm: Orm): Promise<string> {
  return orm.schema.getUpdateSchemaSQL({ wrap: false });
}
