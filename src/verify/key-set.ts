import { createLocalJWKSet, errors } from "jose";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { ask, bodyOf, expectAnswer } from "./gateway-request.ts";
import { keepDoing } from "./keep-doing.ts";
import type { Timings } from "./timings.ts";
import { VerificationError } from "./verification-error.ts";

export const algorithms = ["ES256", "RS256", "PS256"];

/**
 * The gateway's keys (RFC 7517). Not jose's createRemoteJWKSet: its cool-down counts from the last load that went well,
 * so that made-up `kid`s would send a request each while the gateway is down.
 */
export class KeySet {
  /** Fulfilled by the first load that goes well. */
  readonly loaded: Promise<void>;
  readonly #onLoaded: () => void;
  readonly #timings: Timings;
  readonly #url: string;
  #keys: JWTVerifyGetKey | undefined;
  #attempt: Promise<void> | undefined;
  #attemptedAt = -Infinity;
  #lastAttemptFailed = false;

  constructor(url: string, timings: Timings) {
    this.#url = url;
    this.#timings = timings;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.loaded = promise;
    this.#onLoaded = resolve;
  }

  /** Loads the keys now, and anew from time to time. While that fails, the last good ones stay in use. */
  async follow(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    const { keyReload, longestPause } = this.#timings;
    await keepDoing(() => this.#load(), { every: keyReload, longestPause, signal, onError });
  }

  /** For jwtVerify. @throws VerificationError VERIFIER_UNAVAILABLE where the key may be one that could not be loaded */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (typeof header.kid !== "string") throw new errors.JWKSNoMatchingKey();
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#loadAfterCooldown();
      return this.#find(header, token);
    }
  };

  #find: JWTVerifyGetKey = (header, token) => {
    if (this.#keys === undefined) throw new VerificationError("VERIFIER_UNAVAILABLE");
    return this.#keys(header, token);
  };

  async #loadAfterCooldown(): Promise<void> {
    const coolingDown = performance.now() < this.#attemptedAt + this.#timings.keyCooldown * 1000;
    if (this.#attempt !== undefined || !coolingDown) await this.#load().catch(() => {});
    if (this.#lastAttemptFailed) throw new VerificationError("VERIFIER_UNAVAILABLE");
  }

  #load(): Promise<void> {
    this.#attempt ??= this.#request().finally(() => (this.#attempt = undefined));
    return this.#attempt;
  }

  async #request(): Promise<void> {
    this.#attemptedAt = performance.now();
    this.#lastAttemptFailed = true;
    const signal = AbortSignal.timeout(this.#timings.requestTimeout * 1000);
    const response = await ask(this.#url, { accept: "application/jwk-set+json, application/json" }, signal);
    expectAnswer(response);
    const { keys } = JSON.parse(await bodyOf(response)) as JSONWebKeySet;
    // A key without an algorithm of its own would let the token choose one (RFC 8725, 3.1).
    const usable = keys.filter(({ alg }) => algorithms.includes(alg ?? ""));
    this.#keys = createLocalJWKSet({ keys: usable });
    this.#lastAttemptFailed = false;
    this.#onLoaded();
    if (usable.length === 0) throw new Error(`The gateway has no key for ${algorithms.join(", ")}.`);
  }
}
