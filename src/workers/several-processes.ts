import type { Logger } from "pino";
import type { AppSecrets } from "../app.ts";
import type { Config } from "../config.ts";
import type { Closers } from "../lifetime.ts";
import { migrateOnStart } from "../persistence/migrations.ts";
import { createOrm } from "../persistence/orm.ts";
import { Supervisor } from "./supervisor.ts";

/** Starts the workers on a migrated database. @returns the address all of them listen at */
export async function listen(
  config: Config,
  secrets: AppSecrets,
  logger: Logger,
  closers: Closers,
): Promise<string> {
  const orm = createOrm(secrets.databaseUrl, logger);
  try {
    await migrateOnStart(orm, config.migrateOnStart);
  } finally {
    await orm.close();
  }
  const supervisor = new Supervisor(secrets, logger);
  closers.push(() => supervisor.close());
  return supervisor.start(config.workers);
}
