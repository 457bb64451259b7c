import type { Logger } from "pino";

type WarningLog = Pick<Logger, "warn">;

/** Does background work. What goes wrong in it is logged, because an error that nobody catches ends the process. */
export async function runInBackground(what: string, work: () => unknown, logger: WarningLog): Promise<void> {
  try {
    await work();
  } catch (err) {
    logger.warn({ err }, `${what} failed`);
  }
}

/** Does background work again and again. The timer keeps no process from ending. */
export function repeatInBackground(
  what: string,
  milliseconds: number,
  work: () => unknown,
  logger: WarningLog,
): NodeJS.Timeout {
  return setInterval(() => void runInBackground(what, work, logger), milliseconds).unref();
}
