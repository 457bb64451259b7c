import { ServiceUnavailable } from "../errors.ts";

/** Milliseconds: nobody waits for ever. */
const longestWait = 2_000;

/** Lets so many go on at once. The others wait their turn, first come, first served, none longer than two seconds. */
export class Turns {
  readonly #most: number;
  readonly #queue = new Set<() => void>();
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * @param abandoned aborted when nobody waits for the result any more
   * @throws ServiceUnavailable, the work not begun, when its turn does not come in time, or nobody waits any more
   */
  async run<Result>(work: () => Promise<Result>, abandoned?: AbortSignal): Promise<Result> {
    if (abandoned?.aborted) throw new ServiceUnavailable();
    await this.#take(abandoned);
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #take(abandoned: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#running < this.#most) {
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

  #passOn(): void {
    const [next] = this.#queue;
    if (next === undefined) this.#running -= 1;
    else {
      this.#queue.delete(next);
      next();
    }
  }
}
