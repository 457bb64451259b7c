import type { AccessTokenClaims } from "./access-token-claims.ts";
import type { FeedStatement } from "./feed-statement.ts";

// Replicas of the gateway, and this machine, need not agree on the time to the second.
const clockDifference = 60;

interface Cutoff {
  /** Seconds since the epoch: tokens that were issued earlier are revoked. */
  issuedBefore: number;
  forgetAt: number;
}

/**
 * The revocations that are known. One leaves when the last access token that it concerns has expired, and never earlier:
 * a statement that no longer has it may come from a replica that has not heard of it yet.
 */
export class RevokedTokens {
  /** Session in hex -> when to forget it (seconds since the epoch), oldest first. */
  readonly #sessions = new Map<string, number>();
  /** By user in hex. */
  readonly #users = new Map<string, Cutoff>();
  #everybody: Cutoff = { issuedBefore: 0, forgetAt: 0 };

  add({ sids, subs, all, exp }: FeedStatement): void {
    this.#forgetExpired();
    const forgetAt = exp + clockDifference;
    for (const sid of sids) {
      // The first to name a session came after its last token was issued: no need to keep it longer than that one said.
      if (!this.#sessions.has(sid)) this.#sessions.set(sid, forgetAt);
    }
    for (const [sub, issuedBefore] of subs) {
      if ((this.#users.get(sub)?.issuedBefore ?? 0) >= issuedBefore) continue;
      this.#users.delete(sub);
      this.#users.set(sub, { issuedBefore, forgetAt });
    }
    if (all > this.#everybody.issuedBefore) this.#everybody = { issuedBefore: all, forgetAt };
  }

  has({ sid, sub, iat }: Pick<AccessTokenClaims, "sid" | "sub" | "iat">): boolean {
    return (
      this.#sessions.has(inHex(sid)) ||
      iat < (this.#users.get(inHex(sub))?.issuedBefore ?? 0) ||
      iat < this.#everybody.issuedBefore
    );
  }

  #forgetExpired(): void {
    const now = Date.now() / 1000;
    for (const [sid, forgetAt] of this.#sessions) {
      if (forgetAt > now) break;
      this.#sessions.delete(sid);
    }
    for (const [sub, { forgetAt }] of this.#users) {
      if (forgetAt > now) break;
      this.#users.delete(sub);
    }
  }
}

/** @param id a UUID */
function inHex(id: string): string {
  return id.replaceAll("-", "").toLowerCase();
}
