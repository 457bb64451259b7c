import { LRUCache } from "lru-cache";
import { TooManyRequests } from "../errors.ts";
import { retainedBytes } from "../security/retained-bytes.ts";
import { times } from "./attempt-limit.ts";
import type { Allowance } from "./attempt-limit.ts";

/** How many sessions of one account may refresh as often as one may. */
const sessionsPerAccount = 10;

/** Bytes of one kind of counts, some 18,000; beyond it the least used begin anew. */
const mostBytes = 10 * 2 ** 20;

interface Count {
  writes: number;
  /** Milliseconds by `performance.now()`. */
  readonly until: number;
}

/** Counts what signed-in callers write. Each process counts for itself, so that counting costs no query. */
export class WriteLimits {
  private readonly sessionRefreshes: WriteLimit;
  private readonly accountRefreshes: WriteLimit;
  private readonly changes: WriteLimit;

  /** @param refresh of one session @param update of one account */
  constructor({ refresh, update }: { refresh: Allowance; update: Allowance }) {
    this.sessionRefreshes = new WriteLimit(refresh);
    this.accountRefreshes = new WriteLimit(times(sessionsPerAccount, refresh));
    this.changes = new WriteLimit(update);
  }

  /** @throws TooManyRequests */
  chargeRefresh(userId: string, sessionId: string): void {
    this.sessionRefreshes.charge(sessionId);
    this.accountRefreshes.charge(userId);
  }

  /** @param whose an account or a session, and what of it changes @throws TooManyRequests */
  chargeChange(whose: string): void {
    this.changes.charge(whose);
  }
}

class WriteLimit {
  private readonly counts = new LRUCache<string, Count>({ maxSize: mostBytes });
  private readonly allowance: Allowance;

  constructor(allowance: Allowance) {
    this.allowance = allowance;
  }

  charge(key: string): void {
    const now = performance.now();
    let count = this.counts.get(key);
    if (count === undefined || count.until <= now) {
      count = { writes: 0, until: now + this.allowance.seconds * 1000 };
      this.counts.set(key, count, { size: retainedBytes(key) });
    }
    if (count.writes >= this.allowance.attempts)
      throw new TooManyRequests(Math.max(1, Math.ceil((count.until - now) / 1000)));
    count.writes += 1;
  }
}
