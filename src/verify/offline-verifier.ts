import { setTimeout as pause } from "node:timers/promises";
import { readAccessToken } from "./access-token.ts";
import type { AccessTokenClaims } from "./access-token-claims.ts";
import { KeySet } from "./key-set.ts";
import { RevocationFeed } from "./revocation-feed.ts";
import { defaultTimings } from "./timings.ts";
import { VerificationError } from "./verification-error.ts";
import type { Verifier, VerifierOptions } from "./verifier.ts";

const anHour = 3_600_000;

/** A verifier whose sockets and timers keep no process alive; a caller who waits for `verify` does. */
export class OfflineVerifier implements Verifier {
  readonly #expected: { issuer: string; audience: string | string[] };
  readonly #maxStaleness: number;
  readonly #keys: KeySet;
  readonly #feed: RevocationFeed | undefined;
  readonly #closing = new AbortController();
  readonly #loadedOrLate: Promise<unknown>;
  #isLoaded = false;

  constructor(options: VerifierOptions) {
    const { issuer, audience, jwksUri, revocations: url, maxStaleness = Infinity } = options;
    // Without TypeScript they may be missing, and jose checks only what it is told to.
    if (!issuer || !audience?.length) throw new TypeError("`issuer` and `audience` are required.");
    if (!URL.canParse(jwksUri) || (url !== undefined && !URL.canParse(url)))
      throw new TypeError("`jwksUri` and `revocations` take URLs: https://….");
    if (url === undefined && maxStaleness !== Infinity)
      throw new TypeError("`maxStaleness` is of no use without `revocations`.");
    const timings = { ...defaultTimings, ...options.timings };
    this.#expected = { issuer, audience };
    this.#maxStaleness = maxStaleness;
    this.#keys = new KeySet(jwksUri, timings);
    this.#feed =
      url === undefined ? undefined : new RevocationFeed({ url, issuer, keys: this.#keys, timings });
    this.#loadedOrLate = Promise.race([
      this.#load(),
      pause(timings.startTimeout * 1000, undefined, { ref: false }),
    ]);
    this.#follow(options.onError);
  }

  async verify(token: string | undefined): Promise<AccessTokenClaims> {
    if (!token) throw new VerificationError("TOKEN_MISSING");
    const aliveWhileWaiting = setInterval(() => {}, anHour);
    try {
      await this.#beReady();
      const claims = await readAccessToken(token, this.#keys, this.#expected);
      if (this.#feed?.has(claims)) throw new VerificationError("TOKEN_REVOKED");
      if (this.staleness() > this.#maxStaleness) throw new VerificationError("VERIFIER_UNAVAILABLE");
      return claims;
    } finally {
      clearInterval(aliveWhileWaiting);
    }
  }

  staleness(): number {
    return this.#feed?.staleness() ?? Infinity;
  }

  close(): void {
    this.#closing.abort();
  }

  async #load(): Promise<void> {
    await Promise.all([this.#keys.loaded, this.#feed?.loaded]);
    this.#isLoaded = true;
  }

  async #beReady(): Promise<void> {
    if (!this.#isLoaded) await this.#loadedOrLate;
    if (!this.#isLoaded || this.#closing.signal.aborted) throw new VerificationError("VERIFIER_UNAVAILABLE");
  }

  #follow(onError: VerifierOptions["onError"]): void {
    const { signal } = this.#closing;
    // What the callback itself throws is its owner's to see, and does not stop us.
    const report = (error: unknown) => queueMicrotask(() => onError?.(error));
    void this.#keys.follow(signal, report);
    void this.#feed?.follow(signal, report);
  }
}
