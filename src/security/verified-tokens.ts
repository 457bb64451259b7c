import { LRUCache } from "lru-cache";
import type { KeyObject } from "node:crypto";

/** As many as there are live sessions in memory. */
const mostTokens = 20_000;

/** Characters, a byte each: a token takes half a kilobyte, and with extra claims up to 16. */
const mostText = 16_000_000;

/** What an access token says. */
export interface AccessTokenFacts {
  readonly userId: string;
  readonly sessionId: string;
  /** Undefined for tokens that a replica of the previous release handed on; they are good for a minute. */
  readonly generation: number | undefined;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

export interface VerifiedToken extends AccessTokenFacts {
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly kid: string | undefined;
  /** What its signature was verified with. */
  readonly key: KeyObject;
}

/**
 * Access tokens whose signature was verified, in memory: some 20 MB at most, of which 16 are the tokens. An entry vouches
 * for the exact text that was verified; the other spelling of an ES256 signature is verified and kept by itself.
 */
export class VerifiedTokens {
  private readonly tokens = new LRUCache<string, VerifiedToken>({ max: mostTokens, maxSize: mostText });

  get(token: string): VerifiedToken | undefined {
    return this.tokens.get(token);
  }

  set(token: string, verified: VerifiedToken): void {
    // A part of a string keeps all of it in memory: here a header, which may be many times as long.
    const ownText = Buffer.from(token).toString();
    this.tokens.set(ownText, verified, { size: token.length });
  }

  delete(token: string): void {
    this.tokens.delete(token);
  }
}
