import { clock } from "../../timing/clock.ts";

/** Seconds for which an entry stays beyond the life of the last token that it refuses: clocks differ. */
const margin = 60;

/** Entries are dropped in steps of so many seconds, at the same moments on every replica, so that their lists agree. */
const step = 60;

/**
 * Which access tokens are refused before their time: those of a session (`sid`), or those of a user (`sub`) or of
 * everybody (`all`) that were issued before a moment.
 */
export interface Revocation {
  kind: "sid" | "sub" | "all";
  /** Of the session or user; "all" for everybody. */
  id: string;
  /** Whole seconds since the epoch, exclusive; null for a session. */
  before: number | null;
}

/** The revocations of so late that an access token they refuse may still be good, in memory. */
export class RevocationList {
  /** Seconds for which an entry can be listed. */
  readonly span: number;
  private readonly listed = new Map<string, { revocation: Revocation; revokedAt: number }>();
  private changes = 0;

  /** @param accessTokenTtl seconds */
  constructor(accessTokenTtl: number) {
    this.span = accessTokenTtl + margin + step;
  }

  /** Another number whenever the list is another. */
  get version(): number {
    return this.changes;
  }

  get revocations(): Revocation[] {
    return Array.from(this.listed.values(), ({ revocation }) => revocation);
  }

  /** @param age seconds since the revocation @returns whether it refuses more than the list did */
  add(revocation: Revocation, age: number): boolean {
    const revokedAt = clock.now() / 1000 - age;
    const key = `${revocation.kind} ${revocation.id}`;
    const known = this.listed.get(key);
    const isKnown = known !== undefined && (known.revocation.before ?? 0) >= (revocation.before ?? 0);
    if (isKnown || revokedAt < this.oldest()) return false;
    this.listed.set(key, { revocation, revokedAt });
    this.changes += 1;
    return true;
  }

  prune(): void {
    const oldest = this.oldest();
    for (const [key, { revokedAt }] of this.listed)
      if (revokedAt < oldest) {
        this.listed.delete(key);
        this.changes += 1;
      }
  }

  private oldest(): number {
    return Math.floor(clock.now() / 1000 / step) * step - (this.span - step);
  }
}
