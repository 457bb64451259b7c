import { ServiceUnavailable } from "../errors.ts";

/** Too little rather than too much: who is let wait in vain is refused in the end. */
const assumedMilliseconds = 10;
const weightOfLatest = 0.2;

/** Milliseconds. Who is expected to wait longer is refused at once, so a flood is over a second after its end. */
const longestExpectedWait = 1_000;

/** Milliseconds, for when it takes longer than expected: nobody waits for ever. */
const longestWait = 2_000;

/**
 * Runs at most `concurrency` pieces of work at once. Up to `queueLimit` more wait their turn, first come, first served,
 * none longer than two seconds.
 */
export class HashSlots {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #queue = new Set<() => void>();
  #running = 0;
  #usualMilliseconds = assumedMilliseconds;

  constructor(concurrency: number, queueLimit: number) {
    this.#concurrency = concurrency;
    this.#queueLimit = queueLimit;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** @throws ServiceUnavailable where who came now would find no place, or would wait too long */
  checkRoom(): void {
    if (this.#running < this.#concurrency) return;
    const wait = this.#expectedWait();
    if (this.#queue.size >= this.#queueLimit || wait > longestExpectedWait)
      throw new ServiceUnavailable({ retryAfter: Math.max(1, Math.ceil(wait / 1000)) });
  }

  /**
   * @param abandoned aborted when nobody waits for the result any more
   * @throws ServiceUnavailable, the work not begun, where there is no room, or none in time, or nobody waits any more
   */
  async run<Result>(work: () => Promise<Result>, abandoned?: AbortSignal): Promise<Result> {
    if (abandoned?.aborted) throw new ServiceUnavailable();
    this.checkRoom();
    await this.#takeSlot(abandoned);
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#usualMilliseconds += weightOfLatest * (performance.now() - startedAt - this.#usualMilliseconds);
      this.#passSlotOn();
    }
  }

  #takeSlot(abandoned: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#running < this.#concurrency) {
      this.#running += 1;
      return undefined;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => {
      this.#queue.delete(resolve);
      reject(new ServiceUnavailable({ retryAfter: 1 }));
    };
    this.#queue.add(resolve);
    const timer = setTimeout(giveUp, longestWait);
    abandoned?.addEventListener("abort", giveUp);
    return promise.finally(() => {
      clearTimeout(timer);
      abandoned?.removeEventListener("abort", giveUp);
    });
  }

  #passSlotOn(): void {
    const [next] = this.#queue;
    if (next === undefined) this.#running -= 1;
    else {
      this.#queue.delete(next);
      next();
    }
  }

  /** Until who came now had a slot, in milliseconds. */
  #expectedWait(): number {
    return ((this.#running + this.#queue.size) / this.#concurrency) * this.#usualMilliseconds;
  }
}
