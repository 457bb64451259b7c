import type { Logger } from "pino";
import type { AppSecrets } from "./app.ts";
import type { Config } from "./config/config.ts";
import { listenForSignals, live } from "./lifetime.ts";
import type { Closers } from "./lifetime.ts";
import { createLogger } from "./logging/logger.ts";
import { checkBeforeServing } from "./persistence/database-requirements.ts";
import { tokenSecrets } from "./embedded-postgres/kept-secret.ts";
import { migrateOnStart } from "./persistence/migrations.ts";
import { openDatabase } from "./persistence/open-database.ts";
import { createOrm } from "./persistence/orm.ts";
import { welcome } from "./welcome.ts";

/**
 * The gateway: database, migrations, one process that listens or several, and a clean stop on SIGTERM, SIGINT and SIGHUP.
 * @throws an Error of one line when the start must not go on; what was opened is closed again
 */
export async function serve(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel);
  const { ide, workers } = config;
  await live(
    logger,
    async (closers) => {
      const database = await openDatabase(config);
      closers.push(() => database.close());
      const secrets: AppSecrets = { databaseUrl: database.url, ...(await tokenSecrets(config)) };
      const listen = workers === 1 ? listenAlone : listenByWorkers;
      const address = await listen(config, secrets, logger, closers);
      const several = workers > 1 && { workers };
      logger.info({ address, ide, database: database.description, ...several }, "ready");
      logger.flush();
      if (process.stdout.isTTY) process.stdout.write(welcome(address, database.description, ide));
    },
    (stop) => listenForSignals(stop, config.startedByNpm),
  );
}

/** Resolves with the address, as the next does. */
async function listenAlone(
  config: Config,
  secrets: AppSecrets,
  logger: Logger,
  closers: Closers,
): Promise<string> {
  // The parent of workers need not have it.
  const { openApp, startListening } = await import("./listening-app.ts");
  const app = await openApp(config, secrets, logger, closers);
  await migrateOnStart(app.orm, config.migrateOnStart);
  await checkBeforeServing(app.orm);
  return startListening(app, config);
}

async function listenByWorkers(
  config: Config,
  secrets: AppSecrets,
  logger: Logger,
  closers: Closers,
): Promise<string> {
  const orm = createOrm(secrets.databaseUrl, logger);
  try {
    await migrateOnStart(orm, config.migrateOnStart);
    await checkBeforeServing(orm);
  } finally {
    await orm.close();
  }
  const { Supervisor } = await import("./workers/supervisor.ts");
  const supervisor = new Supervisor(secrets, logger);
  closers.push(() => supervisor.close());
  return supervisor.start(config.workers);
}
