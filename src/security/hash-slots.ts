import { ServiceUnavailable } from "../errors.ts";

/** Too little rather than too much: who is let wait in vain is refused in the end. */
const assumedMilliseconds = 10;
const weightOfLatest = 0.2;

/** Milliseconds. Who is expected to wait longer is refused at once, so a flood is over a second after its end. */
const longestExpectedWait = 1_000;

/** Milliseconds, for when it takes longer than expected: nobody waits for ever. */
const longestWait = 2_000;

/** Kept for work that is to come. */
export type HashPlace = object;

/**
 * Runs at most `concurrency` pieces of work at once. Up to `queueLimit` more wait their turn, first come, first served,
 * none longer than two seconds. A place that is kept counts as if somebody waited there.
 */
export class HashSlots {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #queue = new Set<() => void>();
  readonly #kept = new Set<HashPlace>();
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

  get kept(): number {
    return this.#kept.size;
  }

  /** Whole seconds after which who found no place now, or would wait too long, is to try again; 0 where there is room. */
  get secondsUntilRoom(): number {
    const ahead = this.#running + this.#queue.size + this.#kept.size;
    if (ahead < this.#concurrency) return 0;
    const wait = (ahead / this.#concurrency) * this.#usualMilliseconds;
    const hasRoom = ahead < this.#concurrency + this.#queueLimit && wait <= longestExpectedWait;
    return hasRoom ? 0 : Math.max(1, Math.ceil(wait / 1000));
  }

  /**
   * Keeps a place from now until `run` is given it, at the latest until what is prepared meanwhile is over.
   * @throws ServiceUnavailable, nothing begun, where there is no room
   */
  async keepPlace<Result>(during: (place: HashPlace) => Promise<Result>): Promise<Result> {
    this.#checkRoom();
    const place = {};
    this.#kept.add(place);
    try {
      return await during(place);
    } finally {
      this.#kept.delete(place);
    }
  }

  /**
   * @param abandoned aborted when nobody waits for the result any more
   * @param place to be given up for this; where it has been given up before, it is as if there were none
   * @throws ServiceUnavailable, the work not begun, where there is no room, or none in time, or nobody waits any more
   */
  async run<Result>(
    work: () => Promise<Result>,
    abandoned?: AbortSignal,
    place?: HashPlace,
  ): Promise<Result> {
    if (abandoned?.aborted) throw new ServiceUnavailable();
    if (place === undefined || !this.#kept.delete(place)) this.#checkRoom();
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

  #checkRoom(): void {
    const retryAfter = this.secondsUntilRoom;
    if (retryAfter > 0) throw new ServiceUnavailable({ retryAfter });
  }
}
