import type { AccessTokenClaims } from "./access-token-claims.ts";
import { ask, bodyOf, expectAnswer } from "./gateway-request.ts";
import { readFeedStatement } from "./feed-statement.ts";
import { keepDoing } from "./keep-doing.ts";
import type { KeySet } from "./key-set.ts";
import { RevokedTokens } from "./revoked-tokens.ts";
import { serverSentEvents } from "./server-sent-events.ts";
import type { Timings } from "./timings.ts";

export interface RevocationFeedOptions {
  url: string;
  issuer: string;
  keys: KeySet;
  timings: Timings;
}

/** Follows the gateway's list of revoked tokens by its event stream; while there is none, asks for the list itself. */
export class RevocationFeed {
  /** Fulfilled by the first whole list. */
  readonly loaded: Promise<void>;
  readonly #onLoaded: () => void;
  readonly #options: RevocationFeedOptions;
  readonly #revoked = new RevokedTokens();
  #heardAt = -Infinity;
  #etag: string | undefined;

  constructor(options: RevocationFeedOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.loaded = promise;
    this.#onLoaded = resolve;
  }

  /** Seconds since the gateway's last word. By the clock that runs on while a machine sleeps. */
  staleness(): number {
    return Math.max(0, Date.now() - this.#heardAt) / 1000;
  }

  has(claims: AccessTokenClaims): boolean {
    return this.#revoked.has(claims);
  }

  async follow(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    const { keys, timings } = this.#options;
    await keys.loaded;
    const startedAt = Date.now();
    const repetition = { every: timings.heartbeat / 5, longestPause: timings.longestPause, signal, onError };
    await Promise.all([
      keepDoing(() => this.#stream(signal, onError), repetition),
      keepDoing(() => this.#pollIfSilent(startedAt, signal), repetition),
    ]);
  }

  /** Ends with the stream; fails where nothing could be read from it. */
  async #stream(closed: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    const { url, timings } = this.#options;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), 3 * timings.heartbeat * 1000).unref();
    let heard = false;
    try {
      const signal = AbortSignal.any([closed, silence.signal]);
      const response = await ask(url, { accept: "text/event-stream" }, signal);
      expectAnswer(response, "text/event-stream");
      for await (const { name, data } of serverSentEvents(response, () => timer.refresh())) {
        if (name === "snapshot") await this.#takeWhole(data);
        else if (name === "revoked" && heard) await this.#take(data);
        heard ||= name === "snapshot";
        if (heard) this.#heardAt = Date.now();
      }
    } catch (error) {
      if (!heard) throw error;
      if (!closed.aborted) onError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #pollIfSilent(startedAt: number, closed: AbortSignal): Promise<void> {
    const { heartbeat } = this.#options.timings;
    const patience = this.#heardAt === -Infinity ? heartbeat / 5 : heartbeat * 1.5;
    const silentFor = Date.now() - Math.max(startedAt, this.#heardAt);
    if (silentFor >= patience * 1000) await this.#poll(closed);
  }

  async #poll(closed: AbortSignal): Promise<void> {
    const { url, timings } = this.#options;
    const signal = AbortSignal.any([closed, AbortSignal.timeout(timings.requestTimeout * 1000)]);
    const condition = this.#etag === undefined ? {} : { "if-none-match": this.#etag };
    const response = await ask(url, { accept: "application/jwt", ...condition }, signal);
    if (response.statusCode === 304 && this.#etag !== undefined) {
      response.destroy();
    } else {
      expectAnswer(response, "application/jwt");
      await this.#takeWhole(await bodyOf(response));
      this.#etag = response.headers.etag;
    }
    this.#heardAt = Date.now();
  }

  async #takeWhole(jwt: string): Promise<void> {
    await this.#take(jwt);
    this.#onLoaded();
  }

  async #take(jwt: string): Promise<void> {
    const { keys, issuer } = this.#options;
    this.#revoked.add(await readFeedStatement(jwt, keys, issuer));
  }
}
