import type { Logger } from "pino";

type WarningLog = Pick<Logger, "warn">;

/** Runs background work and logs its errors, because an uncaught error ends the process. */
export async function runInBackground(what: string, work: () => unknown, logger: WarningLog): Promise<void> {
  try {
    await work();
  } catch (err) {
    logger.warn({ err }, `${what} failed`);
  }
}

/** Runs background work at an interval. The timer does not keep the process alive. */
export function repeatInBackground(
  what: string,
  milliseconds: number,
  work: () => unknown,
  logger: WarningLog,
): NodeJS.Timeout {
  return setInterval(() => void runInBackground(what, work, logger), milliseconds).unref();
}
