import type { Logger } from "pino";

/** Milliseconds for a step of the end. */
const longestFarewell = 5_000;

/**
 * Waits no longer than that. A connection can die in the midst of a query without a word, and TCP takes a quarter of an
 * hour to find out; what is repeated anyway must not wait for it. @throws the work's error, or one that says it is late
 */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new Error(`no answer within ${milliseconds} ms`);
    timer = setTimeout(() => reject(error), milliseconds).unref();
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Whether the database answers or not, the process must end. */
export async function closedInTime(
  what: string,
  closing: Promise<unknown>,
  logger: Pick<Logger, "warn">,
): Promise<void> {
  await within(longestFarewell, closing).catch((err: unknown) => {
    logger.warn({ err }, `${what} could not be closed in time`);
  });
}
