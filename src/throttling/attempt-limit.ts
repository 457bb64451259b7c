import { LRUCache } from "lru-cache";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import { TooManyRequests } from "../errors.ts";
import type { AttemptStore, Growth } from "./attempt-store.ts";

/** So many attempts in so many seconds, counted from the first. */
export interface Allowance {
  attempts: number;
  seconds: number;
}

export function times(factor: number, { attempts, seconds }: Allowance): Allowance {
  return { attempts: factor * attempts, seconds };
}

/** What an attempt was charged: given back, unless the count has ended. */
export interface Charge {
  /** The count, and where this attempt made it last longer, what it will do so for again. */
  rows: string[];
  /** When the count ends: milliseconds since 1970. */
  until: number;
}

const hour = 3_600_000;
const longestCount = 4 * hour;
const strikesKept = 24 * hour;

/** Of several attempts the second makes a count one that the next is longer for; one alone may be a slip. */
const strikesFrom = 2;

/** Milliseconds for which this process refuses without asking, so that a flood costs the database next to nothing. */
const refusalKept = 1_000;
const mostRefusalsKept = 10_000;

/** One kind of count. What is charged at the same time, also on other replicas, is charged one after the other. */
export class AttemptLimit {
  private readonly counter: RateLimiterPostgres;
  private readonly store: AttemptStore;
  private readonly growth: Growth | undefined;
  /** Made at the first refusal, because it takes room for all that it may hold. */
  private refusals: LRUCache<string, number> | undefined;

  /** @param grows whether each count lasts twice as long as the one before */
  constructor(store: AttemptStore, name: string, { attempts, seconds }: Allowance, grows = false) {
    this.store = store;
    const [first, longest] = [seconds * 1000, Math.max(seconds * 1000, longestCount)];
    // No more than make a difference, so that one success is felt.
    const most = 1 + Math.ceil(Math.log2(longest / first));
    this.growth = grows ? { first, longest, remembered: longest + strikesKept, most } : undefined;
    this.counter = new RateLimiterPostgres({
      storeClient: store,
      storeType: "pool",
      tableName: "attempts",
      tableCreated: true,
      // Removed with the sessions that have ended.
      clearExpiredByTimeout: false,
      keyPrefix: name,
      points: attempts,
      duration: seconds,
    });
  }

  /** @throws TooManyRequests, or the error of the database */
  async charge(key: string): Promise<Charge> {
    this.refuseAgain(key);
    const { refused, consumedPoints, msBeforeNext } = await this.consume(key);
    const row = this.counter.getKey(key);
    const lengthens = this.growth && consumedPoints === strikesFrom;
    const until = lengthens
      ? await this.store.lengthen(row, this.strikesOf(key), this.growth)
      : Date.now() + msBeforeNext;
    if (!refused) return { rows: lengthens ? [row, this.strikesOf(key)] : [row], until };
    this.refusals ??= new LRUCache({ max: mostRefusalsKept, ttl: refusalKept });
    this.refusals.set(key, until);
    throw tooMany(until);
  }

  /** @throws TooManyRequests where this process refused a moment ago */
  refuseAgain(key: string): void {
    const until = this.refusals?.get(key);
    if (until !== undefined) throw tooMany(until);
  }

  /** The row that says how many counts there were of late. */
  strikesOf(key: string): string {
    return `${this.counter.getKey(key)}:strikes`;
  }

  private async consume(key: string): Promise<RateLimiterRes & { refused: boolean }> {
    try {
      return Object.assign(await this.counter.consume(key), { refused: false });
    } catch (error) {
      if (error instanceof RateLimiterRes) return Object.assign(error, { refused: true });
      throw error;
    }
  }
}

function tooMany(until: number): TooManyRequests {
  return new TooManyRequests(Math.max(1, Math.ceil((until - Date.now()) / 1000)));
}
