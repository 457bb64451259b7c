import { LRUCache } from "lru-cache";
import { addressBlock } from "../security/address-block.ts";

/** Milliseconds. */
const fiveMinutes = 300_000;

/** Beyond it, refreshes of the sessions that come first may be recorded again. */
const mostKept = 10_000;

/**
 * Which refreshes the audit log has had of late. One of a session from one address block stands for all within five
 * minutes: a client may refresh many times a second, and each event is kept for a year.
 */
export class RecordedRefreshes {
  private readonly recent = new LRUCache<string, true>({ max: mostKept, ttl: fiveMinutes });

  has(sessionId: string, ip: string): boolean {
    return this.recent.has(keyOf(sessionId, ip));
  }

  /** An event that is there already keeps its time. */
  add(sessionId: string, ip: string): void {
    if (!this.has(sessionId, ip)) this.recent.set(keyOf(sessionId, ip), true);
  }
}

function keyOf(sessionId: string, ip: string): string {
  return `${sessionId} ${addressBlock(ip)}`;
}
