import type { FeedStatement } from "./feed-statement.ts";

// Replicas of the gateway, and this machine, need not agree on the time to the second.
const clockDifference = 60;

/**
 * The sessions known to be revoked. One leaves when its last access token has expired, and never earlier: a statement
 * that no longer names it may come from a replica that has not heard of it yet.
 */
export class RevokedSessions {
  /** Id in hex -> when to forget it (seconds since the epoch), oldest first. */
  readonly #forgetAt = new Map<string, number>();

  add({ sids, exp }: FeedStatement): void {
    this.#forgetExpired();
    for (const sid of sids) {
      // The first to name a session came after its last token was issued: no need to keep it longer than that one said.
      if (!this.#forgetAt.has(sid)) this.#forgetAt.set(sid, exp + clockDifference);
    }
  }

  /** @param sid a UUID */
  has(sid: string): boolean {
    return this.#forgetAt.has(sid.replaceAll("-", "").toLowerCase());
  }

  #forgetExpired(): void {
    const now = Date.now() / 1000;
    for (const [sid, forgetAt] of this.#forgetAt) {
      if (forgetAt > now) break;
      this.#forgetAt.delete(sid);
    }
  }
}
