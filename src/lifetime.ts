import type { Logger } from "pino";
import { within } from "./timing/time-limit.ts";

/** Closes what was opened; the last opened first. */
export type Closers = (() => Promise<void>)[];

/** How long the whole stop may take, in milliseconds: a start that waits for another's migration included. */
const stopDeadline = 30_000;

/**
 * The life of a process: it opens what it needs, and closes it again when it is told to stop, or when a fault comes up
 * that nobody foresaw.
 * @param open registers with `closers` what it opens, as soon as it is open
 * @throws what `open` throws, at most `stopDeadline` later; what was opened is closed again
 */
export async function live(
  logger: Logger,
  open: (closers: Closers) => Promise<void>,
  listenForEnd: (stop: (cause: string) => void) => void,
): Promise<void> {
  const closers: Closers = [];
  const opening = open(closers);

  let stopping: Promise<void> | undefined;
  /** What is being opened must be open before it can be closed; a second signal waits with the first. */
  const end = (exitCode: number) =>
    (stopping ??= (async () => {
      setTimeout(() => {
        logger.error("the stop took too long");
        logger.flush(() => process.exit(1));
      }, stopDeadline).unref();
      await opening.catch(() => {});
      await close(closers).catch((error: unknown) => logger.error({ err: error }, "the stop was not clean"));
      logger.info("stopped");
      logger.flush(() => process.exit(exitCode));
    })());
  listenForEnd((cause) => {
    logger.info({ cause }, "stopping: requests in flight are finished first");
    void end(0);
  });
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "unforeseen failure outside a request: stopping");
    void end(1);
  });

  try {
    await opening;
  } catch (error) {
    // The reason for the refusal must be reported, whatever becomes of the rest.
    await within(stopDeadline, close(closers)).catch((err: unknown) =>
      logger.error({ err }, "not everything that was opened could be closed"),
    );
    throw error;
  }
}

/** SIGTERM, SIGINT and SIGHUP. npm and npx die of a signal without passing it on, so their going counts as one. */
export function listenForSignals(stop: (cause: string) => void, startedByNpm: boolean): void {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
  if (!startedByNpm) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop("npm is gone");
  }, 200).unref();
}

/** Closes what is open, last opened first; what is closed is not closed again. */
async function close(closers: Closers): Promise<void> {
  const failures: unknown[] = [];
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop())
    await closer().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
