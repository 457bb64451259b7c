import type { EntityManager } from "@mikro-orm/postgresql";
import { LRUCache } from "lru-cache";
import { recordEvents } from "./event-record.ts";
import type { EventOrigin, NewEvents } from "./event-record.ts";
import { retainedBytes } from "../security/retained-bytes.ts";

/** Milliseconds. */
const anHour = 3_600_000;

/** Bytes of occasions, some 10,000; beyond it the oldest may be recorded again. */
const mostBytes = 7 * 2 ** 20;

/**
 * Records what changes nothing and can be repeated without end, with a spent token for example: once an hour, so that
 * nobody fills the disk with it.
 */
export class RepeatedEvents {
  private readonly em: EntityManager;
  private readonly recent = new LRUCache<string, true>({ maxSize: mostBytes, ttl: anHour });

  constructor(em: EntityManager) {
    this.em = em;
  }

  /** @param occasion what is the same thing again */
  async record(occasion: string, events: NewEvents, origin: EventOrigin): Promise<void> {
    if (this.recent.has(occasion)) return;
    this.recent.set(occasion, true, { size: retainedBytes(occasion) });
    try {
      await recordEvents(this.em.fork(), events, origin);
    } catch (error) {
      this.recent.delete(occasion);
      throw error;
    }
  }
}
