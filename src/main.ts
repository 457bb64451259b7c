import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { Config } from "./config.ts";
import { createLogger } from "./logger.ts";
import { tokenSecrets } from "./persistence/kept-secret.ts";
import { migrateOnStart } from "./persistence/migrations.ts";
import { openDatabase } from "./persistence/open-database.ts";
import { welcome } from "./welcome.ts";

/** How long requests in flight may take to finish after a signal, in milliseconds. */
const shutdownGrace = 10_000;

/** How long the whole stop may take, in milliseconds: a start that waits for another's migration included. */
const stopDeadline = 30_000;

/**
 * The process of the gateway: database, app, migrations, listen, and a clean stop on SIGTERM, SIGINT and SIGHUP.
 * @throws an Error of one line when the start must not go on; what was opened is closed again
 */
export async function serve(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel);
  const closers: (() => Promise<void>)[] = [];
  const starting = start(config, logger, closers);

  let stopping: Promise<void> | undefined;
  /** What is being opened must be open before it can be closed; a second signal waits with the first. */
  const stop = (exitCode: number) =>
    (stopping ??= (async () => {
      setTimeout(() => {
        logger.error("the stop took too long");
        process.exit(1);
      }, stopDeadline).unref();
      await starting.catch(() => {});
      await close(closers).catch((error: unknown) => logger.error({ err: error }, "the stop was not clean"));
      logger.info("stopped");
      process.exit(exitCode);
    })());
  const stopFor = (cause: string) => {
    logger.info({ cause }, "stopping: requests in flight are finished first");
    void stop(0);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stopFor);
  if (config.startedByNpm) whenParentIsGone(() => stopFor("npm is gone"));
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "unforeseen failure outside a request: stopping");
    void stop(1);
  });

  try {
    await starting;
  } catch (error) {
    await close(closers);
    throw error;
  }
}

/** npm and npx die of a signal without passing it on, so their going counts as one. */
function whenParentIsGone(stop: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 200).unref();
}

/** Registers with `closers` what it opens, as soon as it is open. */
async function start(config: Config, logger: Logger, closers: (() => Promise<void>)[]): Promise<void> {
  const database = await openDatabase(config);
  closers.push(() => database.close());
  const secrets = await tokenSecrets(config);
  const app = await createApp(config, { databaseUrl: database.url, ...secrets }, logger);
  closers.push(async () => {
    const impatience = setTimeout(() => app.server.server.closeAllConnections(), shutdownGrace);
    await app.close();
    clearTimeout(impatience);
  });
  await migrateOnStart(app.orm, config.migrateOnStart);
  await app.start();
  const address = await app.server.listen({ host: config.host, port: config.port }).catch((error: Error) => {
    throw new Error(`HOST and PORT cannot be listened on: ${error.message}`, { cause: error });
  });
  logger.info({ address, ide: config.ide, database: database.description }, "ready");
  if (process.stdout.isTTY) process.stdout.write(welcome(address, database.description, config.ide));
}

/** Closes what is open, last opened first; what is closed is not closed again. */
async function close(closers: (() => Promise<void>)[]): Promise<void> {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
}
