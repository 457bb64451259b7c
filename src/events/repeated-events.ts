import type { EntityManager } from "@mikro-orm/postgresql";
import { LRUCache } from "lru-cache";
import { recordEvents } from "./event-record.ts";
import type { EventOrigin, NewEvents } from "./event-record.ts";

/** Milliseconds. */
const anHour = 3_600_000;

/** Beyond it the oldest may be recorded again. */
const mostKept = 10_000;

/**
 * Records what changes nothing and can be repeated without end, with a spent token for example: once an hour, so that
 * nobody fills the disk with it.
 */
export class RepeatedEvents {
  private readonly em: EntityManager;
  private readonly recent = new LRUCache<string, true>({ max: mostKept, ttl: anHour });

  constructor(em: EntityManager) {
    this.em = em;
  }

  /** @param occasion what is the same thing again */
  async record(occasion: string, events: NewEvents, origin: EventOrigin): Promise<void> {
    if (this.recent.has(occasion)) return;
    this.recent.set(occasion, true);
    try {
      await recordEvents(this.em.fork(), events, origin);
    } catch (error) {
      this.recent.delete(occasion);
      throw error;
    }
  }
}
