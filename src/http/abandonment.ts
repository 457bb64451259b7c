import type { FastifyReply } from "fastify";
import { ServiceUnavailable } from "../errors.ts";

/** Seconds. */
const retryAfter = 5;

/**
 * Answers within so many milliseconds, or says that it cannot. The signal is aborted then, and when the client has hung
 * up: nobody waits for the rest of the work. Fastify's own signal and time-out end with the arrival of the body.
 * @throws ServiceUnavailable when it is late
 */
export async function answerWithin<T>(
  milliseconds: number,
  { raw }: Pick<FastifyReply, "raw">,
  work: (abandoned: AbortSignal) => Promise<T>,
): Promise<T> {
  const abandoning = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    abandoning.abort();
    reject(new ServiceUnavailable({ retryAfter }));
  }, milliseconds).unref();
  const hangUp = () => abandoning.abort();
  raw.once("close", hangUp);
  try {
    return await Promise.race([work(abandoning.signal), late]);
  } finally {
    clearTimeout(timer);
    raw.off("close", hangUp);
  }
}
