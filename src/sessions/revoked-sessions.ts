import { clock } from "../clock.ts";

/** Seconds for which a session stays listed beyond the life of its last access token: clocks differ. */
const margin = 60;

/** Ids are dropped in steps of so many seconds, at the same moments on every replica, so that their lists agree. */
const step = 60;

/** The sessions that ended so lately that an access token of theirs may still be good, in memory. */
export class RevokedSessions {
  /** Seconds for which an id can be listed. */
  readonly span: number;
  private readonly endedAt = new Map<string, number>();
  private changes = 0;

  /** @param accessTokenTtl seconds */
  constructor(accessTokenTtl: number) {
    this.span = accessTokenTtl + margin + step;
  }

  /** Another number whenever the list is another. */
  get version(): number {
    return this.changes;
  }

  get ids(): string[] {
    return [...this.endedAt.keys()];
  }

  /** @param age seconds since the end @returns whether the id is new to the list */
  add(id: string, age: number): boolean {
    const endedAt = clock.now() / 1000 - age;
    if (this.endedAt.has(id) || endedAt < this.oldest()) return false;
    this.endedAt.set(id, endedAt);
    this.changes += 1;
    return true;
  }

  prune(): void {
    const oldest = this.oldest();
    for (const [id, endedAt] of this.endedAt)
      if (endedAt < oldest) {
        this.endedAt.delete(id);
        this.changes += 1;
      }
  }

  private oldest(): number {
    return Math.floor(clock.now() / 1000 / step) * step - (this.span - step);
  }
}
