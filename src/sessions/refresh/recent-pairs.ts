import { LRUCache } from "lru-cache";
import { retainedBytes } from "../../security/retained-bytes.ts";
import type { AuthPayload } from "../auth-payload.type.ts";

type Pair = Pick<AuthPayload, "token" | "refreshToken">;

/** Bytes: some 10,000 pairs, or 700 with the longest extra claims. */
const mostBytes = 24 * 2 ** 20;

/** The tokens that refreshes of late were answered: signed anew, the same claims would have another signature. */
export class RecentPairs {
  private readonly pairs: LRUCache<string, Pair>;

  /** @param seconds for which a pair is kept */
  constructor(seconds: number) {
    this.pairs = new LRUCache({ maxSize: mostBytes, ttl: seconds * 1000, ttlAutopurge: true });
  }

  get(sessionId: string, generation: number): Pair | undefined {
    return this.pairs.get(keyOf(sessionId, generation));
  }

  set(sessionId: string, generation: number, { token, refreshToken }: Pair): void {
    const key = keyOf(sessionId, generation);
    this.pairs.set(key, { token, refreshToken }, { size: retainedBytes(key, token, refreshToken) });
  }
}

function keyOf(sessionId: string, generation: number): string {
  return `${sessionId}.${generation}`;
}
