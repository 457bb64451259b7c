import { IsolationLevel } from "@mikro-orm/core";
import type { EntityManager } from "@mikro-orm/postgresql";
import { laterEvents, newestEvents } from "./event-search.ts";
import type { EventFilter, FoundEvent } from "./event-search.ts";

/** How far one has looked: up to an id, but for those before it that were not there. */
interface Place {
  last: string;
  missing: string[];
}

/** Before the first look, nothing is missing but of the last thousand. Parameters: those of a Place. */
const place = `
  with newest as (select coalesce(max(id), 0) as id from auth_events),
  here as (select greatest(id, :last) as last, coalesce(:last, greatest(id - 1000, 0)) as before from newest)
  select last, array(
    select id from (
      select unnest(cast(:missing as bigint[])) union all select generate_series(before + 1, last)
    ) known (id)
    where not exists (select from auth_events e where e.id = known.id) order by id desc limit 10000
  ) as missing from here`;

/**
 * The newest events, and then those that come, each once, whichever replica writes them. An event is seen when its
 * transaction ends, so one with a lower id may come after one with a higher, however long after: ids that are missing
 * are looked for again. Those of transactions that failed never come.
 */
export class EventTail {
  private readonly em: EntityManager;
  private readonly filter: EventFilter;
  private place: Place | { last: null; missing: [] } = { last: null, missing: [] };

  constructor(em: EntityManager, filter: EventFilter) {
    this.em = em;
    this.filter = filter;
  }

  /** The newest so far; what comes after them is for `next`. */
  first(limit: number): Promise<FoundEvent[]> {
    return this.look((em) => newestEvents(em, this.filter, limit));
  }

  /** What has come since; after an outage of the database, what came meanwhile too. */
  next(): Promise<FoundEvent[]> {
    const { last, missing } = this.place;
    return this.look((em) => laterEvents(em, this.filter, last ?? "0", missing));
  }

  /** Events and place are of one moment, so that nothing falls between them. */
  private async look(find: (em: EntityManager) => Promise<FoundEvent[]>): Promise<FoundEvent[]> {
    const missing = `{${this.place.missing.join()}}`;
    const [events, [here]] = await this.em
      .fork()
      .transactional(
        async (em) => [await find(em), await em.execute<[Place]>(place, { last: this.place.last, missing })],
        { isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true },
      );
    this.place = here;
    return events;
  }
}
