import { ServiceUnavailable } from "../errors.ts";
import { Turns } from "./turns.ts";

/** Too little rather than too much: who is let wait in vain is refused in the end. */
const assumedMilliseconds = 10;
const weightOfLatest = 0.2;

/** Milliseconds. Who is expected to wait longer is refused at once, so a flood is over a second after its end. */
const longestExpectedWait = 1_000;

/**
 * For each hash that can run, how many may be at the database or at their hash: enough that the next is ready when one
 * ends, and so few that a burst of sign-ins neither takes all connections nor holds up everybody else's requests.
 */
const errandsPerSlot = 3;

/** Kept for work that is to come. */
export type HashPlace = object;

/**
 * Runs at most `concurrency` pieces of work at once. Up to `queueLimit` more wait their turn, first come, first served,
 * none longer than two seconds. A place that is kept counts as if somebody waited there.
 */
export class HashSlots {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #hashing: Turns;
  readonly #errands: Turns;
  readonly #kept = new Set<HashPlace>();
  #usualMilliseconds = assumedMilliseconds;

  constructor(concurrency: number, queueLimit: number) {
    this.#concurrency = concurrency;
    this.#queueLimit = queueLimit;
    this.#hashing = new Turns(concurrency);
    this.#errands = new Turns(errandsPerSlot * concurrency);
  }

  get running(): number {
    return this.#hashing.running;
  }

  get waiting(): number {
    return this.#hashing.waiting;
  }

  get kept(): number {
    return this.#kept.size;
  }

  /** Whole seconds after which who found no place now, or would wait too long, is to try again; 0 where there is room. */
  get secondsUntilRoom(): number {
    const ahead = this.running + this.waiting + this.kept;
    if (ahead < this.#concurrency) return 0;
    const wait = (ahead / this.#concurrency) * this.#usualMilliseconds;
    const hasRoom = ahead < this.#concurrency + this.#queueLimit && wait <= longestExpectedWait;
    return hasRoom ? 0 : Math.max(1, Math.ceil(wait / 1000));
  }

  /**
   * Keeps a place, from now until `run` is given it, for an errand that comes to hash something, when its turn has come.
   * @param abandoned aborted when nobody waits for the result any more
   * @throws ServiceUnavailable, the errand not begun, as `run` does
   */
  async keepPlace<Result>(
    errand: (place: HashPlace) => Promise<Result>,
    abandoned?: AbortSignal,
  ): Promise<Result> {
    this.#checkRoom();
    const place = {};
    this.#kept.add(place);
    try {
      return await this.#errands.run(() => errand(place), abandoned);
    } finally {
      this.#kept.delete(place);
    }
  }

  /**
   * @param abandoned aborted when nobody waits for the result any more
   * @param place given up for this; where it has been before, it is as if there were none
   * @throws ServiceUnavailable, the work not begun, where there is no room, or none in time, or nobody waits any more
   */
  async run<Result>(
    work: () => Promise<Result>,
    abandoned?: AbortSignal,
    place?: HashPlace,
  ): Promise<Result> {
    if (place === undefined || !this.#kept.delete(place)) this.#checkRoom();
    return this.#hashing.run(async () => {
      const startedAt = performance.now();
      try {
        return await work();
      } finally {
        this.#usualMilliseconds += weightOfLatest * (performance.now() - startedAt - this.#usualMilliseconds);
      }
    }, abandoned);
  }

  #checkRoom(): void {
    const retryAfter = this.secondsUntilRoom;
    if (retryAfter > 0) throw new ServiceUnavailable({ retryAfter });
  }
}
