import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { createCommandLogger } from "../logging/logger.ts";
import { tokenSecrets } from "../embedded-postgres/kept-secret.ts";
import type { TokenSecrets } from "../embedded-postgres/kept-secret.ts";
import { migrateOnStart } from "../persistence/migrations.ts";
import { openDatabaseBesideGateway } from "../persistence/open-database.ts";
import { createOrm } from "../persistence/orm.ts";
import type { Orm } from "../persistence/orm.ts";
import { closedInTime } from "../timing/time-limit.ts";
import { fail } from "./failure.ts";
import { readSettings } from "./read-settings.ts";

/** What a command that needs the database works with. */
export interface Workplace {
  config: Config;
  orm: Orm;
  secrets: TokenSecrets & { databaseUrl: string };
  logger: Logger;
}

/** Runs a command beside a running gateway or without one, on a migrated database. */
export async function runWithDatabase(
  command: (workplace: Workplace) => Promise<void>,
  { migrated = true }: { migrated?: boolean } = {},
): Promise<void> {
  // Else Node prints all properties of an error, which may be an address with a password.
  process.once("uncaughtException", fail);
  const config = readSettings();
  const database = await openDatabaseBesideGateway(config);
  try {
    const secrets = { databaseUrl: database.url, ...(await tokenSecrets(config)) };
    const logger = createCommandLogger("warn");
    const orm = createOrm(database.url, logger);
    try {
      if (migrated) await migrateOnStart(orm, config.migrateOnStart);
      await command({ config, orm, secrets, logger });
    } finally {
      await closedInTime("the database connections", orm.close(), logger);
    }
  } finally {
    await database.close();
  }
}
