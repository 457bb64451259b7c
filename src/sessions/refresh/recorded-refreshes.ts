import { LRUCache } from "lru-cache";
import { addressBlock } from "../../security/address-block.ts";
import { retainedBytes } from "../../security/retained-bytes.ts";

/** Milliseconds. */
const fiveMinutes = 300_000;

/** Bytes, some 10,000 sessions; beyond it the oldest may be recorded again. */
const mostBytes = 6 * 2 ** 20;

/**
 * Which refreshes the audit log has had of late. One of a session from one address block stands for all within five
 * minutes: a client may refresh many times a second, and each event is kept for a year.
 */
export class RecordedRefreshes {
  private readonly recent = new LRUCache<string, true>({ maxSize: mostBytes, ttl: fiveMinutes });

  has(sessionId: string, ip: string): boolean {
    return this.recent.has(keyOf(sessionId, ip));
  }

  /** An event that is there already keeps its time. */
  add(sessionId: string, ip: string): void {
    const key = keyOf(sessionId, ip);
    if (!this.recent.has(key)) this.recent.set(key, true, { size: retainedBytes(key) });
  }
}

function keyOf(sessionId: string, ip: string): string {
  return `${sessionId} ${addressBlock(ip)}`;
}
