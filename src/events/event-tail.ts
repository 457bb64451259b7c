import { IsolationLevel } from "@mikro-orm/core";
import type { EntityManager } from "@mikro-orm/postgresql";
import { newestEvents, recentEvents } from "./event-search.ts";
import type { EventFilter, FoundEvent } from "./event-search.ts";

/**
 * Seconds that an event may come late: it is seen when its transaction ends, so one with a lower id may come after one
 * with a higher. No transaction of the gateway lasts so long.
 */
const latest = 60;

/** The newest events, and then those that come, each once, whichever replica writes them. */
export class EventTail {
  private readonly em: EntityManager;
  private readonly filter: EventFilter;
  /** Those that were seen of late: id -> when, on this process's steady clock. */
  private readonly seen = new Map<string, number>();
  private lookedAt = 0;

  constructor(em: EntityManager, filter: EventFilter) {
    this.em = em;
    this.filter = filter;
  }

  /** The newest so far; what comes after them is for `next`. */
  async first(limit: number): Promise<FoundEvent[]> {
    const now = performance.now();
    // Both see the same, so that nothing falls between them.
    const [events, known] = await this.em
      .fork()
      .transactional(
        async (em) => [
          await newestEvents(em, this.filter, limit),
          await recentEvents(em, this.filter, latest),
        ],
        { isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true },
      );
    this.note(known, now);
    return events;
  }

  /** What has come since; after an outage of the database, what came meanwhile too. */
  async next(): Promise<FoundEvent[]> {
    const now = performance.now();
    const age = latest + (now - this.lookedAt) / 1000;
    const events = await recentEvents(this.em.fork(), this.filter, age, this.seen.keys());
    this.note(events, now);
    return events;
  }

  private note(events: FoundEvent[], now: number): void {
    this.lookedAt = now;
    for (const [id, at] of this.seen) if (now - at > 2 * latest * 1000) this.seen.delete(id);
    for (const { id } of events) this.seen.set(id, now);
  }
}
