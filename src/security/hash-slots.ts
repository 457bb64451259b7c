import { TooManyRequests } from "../errors.ts";

const assumedMilliseconds = 100;
const weightOfLatest = 0.2;

/** Runs at most `concurrency` pieces of work at once; `queueLimit` more wait their turn, first come, first served. */
export class HashSlots {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #queue: Array<() => void> = [];
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
    return this.#queue.length;
  }

  /** Rejects with TooManyRequests, the work not begun, where there is no place left. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#takeSlot();
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#usualMilliseconds += weightOfLatest * (performance.now() - startedAt - this.#usualMilliseconds);
      this.#passSlotOn();
    }
  }

  #takeSlot(): Promise<void> | undefined {
    if (this.#running < this.#concurrency) {
      this.#running += 1;
      return undefined;
    }
    if (this.#queue.length >= this.#queueLimit) throw new TooManyRequests(this.#secondsOfWork());
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  #passSlotOn(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  #secondsOfWork(): number {
    const turns = (this.#running + this.#queue.length) / this.#concurrency;
    return Math.max(1, Math.ceil((turns * this.#usualMilliseconds) / 1000));
  }
}
