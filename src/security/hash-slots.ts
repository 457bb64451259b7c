import { ServiceUnavailable } from "../errors.ts";
import { currentShare } from "../shares/current-caller.ts";
import { FairTurns } from "../shares/fair-turns.ts";
import { ShareTree } from "../shares/share-tree.ts";
import type { SharePath } from "../shares/share-tree.ts";

/** Too little rather than too much: who is let wait in vain is refused in the end. */
const assumedMilliseconds = 10;
const weightOfLatest = 0.2;

/** Milliseconds. Callers who would wait longer are refused at once, so a flood is over a second after its end. */
const longestExpectedWait = 1_000;

/** Milliseconds after which a wait that was expected to be shorter ends in vain. */
const longestWait = 2_000;

/**
 * For each hash that can run, how many may be at the database or at their hash: enough that the next is ready when one
 * ends, and so few that a burst of sign-ins neither takes all connections nor holds up everybody else's requests.
 */
const errandsPerSlot = 3;

/** Kept for work that is to come. */
export interface HashPlace {
  readonly path: SharePath;
}

/**
 * Runs at most `concurrency` pieces of work at once. Up to `queueLimit` more wait; address blocks, and the accounts of one,
 * take turns. A reserved slot counts as a waiting caller. When the queue is full, a newcomer displaces the
 * latest waiter of the caller who has most, unless the newcomer would then have as much.
 */
export class HashSlots {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #hashing: FairTurns;
  readonly #errands: FairTurns;
  /** All slots that are reserved, waiting or hashing. */
  readonly #slots = new ShareTree<HashPlace>();
  readonly #kept = new Set<HashPlace>();
  #usualMilliseconds = assumedMilliseconds;

  constructor(concurrency: number, queueLimit: number) {
    this.#concurrency = concurrency;
    this.#queueLimit = queueLimit;
    this.#hashing = new FairTurns(concurrency, longestWait);
    this.#errands = new FairTurns(errandsPerSlot * concurrency, longestWait);
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

  /** Whether no caller would be refused now, whatever their share. Costs less than `secondsUntilRoomFor`. */
  get hasRoomForAll(): boolean {
    const ahead = this.#slots.size;
    return ahead < this.#concurrency || (!this.#isFull && this.#waitBehind(ahead) <= longestExpectedWait);
  }

  /** The same for the present caller. */
  get secondsUntilRoom(): number {
    return this.secondsUntilRoomFor(currentShare());
  }

  /** Whole seconds after which a caller who would be refused now is to try again; 0 where there is room. */
  secondsUntilRoomFor(path: SharePath): number {
    if (this.#slots.size < this.#concurrency) return 0;
    const wait = this.#waitBehind(this.#slots.countBefore(path));
    const canEnter = !this.#isFull || this.#errands.canDisplace(path) || this.#hashing.canDisplace(path);
    return canEnter && wait <= longestExpectedWait ? 0 : Math.max(1, Math.ceil(wait / 1000));
  }

  /**
   * Keeps a place, from now until `run` is given it, for an errand that comes to hash something, when its turn has come.
   * @param abandoned aborted when the result is no longer needed
   * @throws ServiceUnavailable, the errand not begun, as `run` does
   */
  async keepPlace<Result>(
    errand: (place: HashPlace) => Promise<Result>,
    abandoned?: AbortSignal,
  ): Promise<Result> {
    const place = this.#enter();
    this.#kept.add(place);
    try {
      return await this.#errands.run(place.path, () => errand(place), abandoned);
    } finally {
      this.#kept.delete(place);
      this.#slots.remove(place.path, place);
    }
  }

  /**
   * @param abandoned aborted when the result is no longer needed
   * @param kept given up for this; a place that was used before counts as none
   * @throws ServiceUnavailable, the work not begun, where there is no room, or none in time, or the result is no longer needed
   */
  async run<Result>(work: () => Promise<Result>, abandoned?: AbortSignal, kept?: HashPlace): Promise<Result> {
    const place = kept !== undefined && this.#kept.delete(kept) ? kept : this.#enter();
    try {
      return await this.#hashing.run(place.path, () => this.#measure(work), abandoned);
    } finally {
      this.#slots.remove(place.path, place);
    }
  }

  get #isFull(): boolean {
    return this.#slots.size >= this.#concurrency + this.#queueLimit;
  }

  /** Milliseconds. */
  #waitBehind(ahead: number): number {
    return (ahead / this.#concurrency) * this.#usualMilliseconds;
  }

  #enter(): HashPlace {
    const path = currentShare();
    const retryAfter = this.secondsUntilRoomFor(path);
    if (retryAfter > 0) throw new ServiceUnavailable({ retryAfter });
    if (this.#isFull && !this.#errands.displace(path)) this.#hashing.displace(path);
    const place = { path };
    this.#slots.add(path, place);
    return place;
  }

  async #measure<Result>(work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#usualMilliseconds += weightOfLatest * (performance.now() - startedAt - this.#usualMilliseconds);
    }
  }
}
