import type { AppSecrets } from "./app.ts";
import type { Config } from "./config.ts";
import { listenForSignals, live } from "./lifetime.ts";
import { createLogger } from "./logger.ts";
import { tokenSecrets } from "./persistence/kept-secret.ts";
import { openDatabase } from "./persistence/open-database.ts";
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
      // Each loads what the other need not have.
      const { listen } = await (workers === 1
        ? import("./single-process.ts")
        : import("./workers/several-processes.ts"));
      const address = await listen(config, secrets, logger, closers);
      const several = workers > 1 && { workers };
      logger.info({ address, ide, database: database.description, ...several }, "ready");
      if (process.stdout.isTTY) process.stdout.write(welcome(address, database.description, ide));
    },
    (stop) => listenForSignals(stop, config.startedByNpm),
  );
}
