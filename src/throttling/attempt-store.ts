import type { EntityManager } from "@mikro-orm/postgresql";
import type { QueryConfig, QueryResult, QueryResultRow } from "pg";
import { namedStatement } from "../database/named-statement.ts";

// A new count lasts longer, the more of them there were of late: twice as long each time, to a limit. The count is locked
// first, as by giveBack: in the other order each would wait for the other.
const lengthen = namedStatement<{ expire: string }, { key: string; strikes: string; now: number } & Growth>({
  name: "attempts:lengthen",
  text: `
  with count as (
    select key from attempts where key = :key for update
  ), strikes as (
    insert into attempts as s (key, points, expire) select :strikes, 1, :now::bigint + :remembered::bigint from count
    on conflict (key) do update set expire = excluded.expire,
      points = case when s.expire <= :now then 1 else least(s.points + 1, :most) end
    returning points
  )
  update attempts a set expire = greatest(a.expire, :now + least(:first * 2 ^ (strikes.points - 1), :longest)::bigint)
  from strikes where a.key = :key
  returning a.expire`,
});

// In the order of the keys, so that two that give back do not wait for each other.
const giveBack = namedStatement<never, { keys: string[] }>({
  name: "attempts:give-back",
  text: `
  with mine as (select key from attempts where key = any(:keys) and points > 0 order by key for update)
  update attempts a set points = a.points - 1 from mine where a.key = mine.key`,
});

/** Milliseconds. */
export interface Growth {
  /** How long the first count lasts. */
  first: number;
  longest: number;
  /** How long it is remembered that there was a count. */
  remembered: number;
  /** Counts that are remembered. */
  most: number;
}

/** The table of counts: what rate-limiter-flexible sends its statements to, and what it has no statement for. */
export class AttemptStore {
  private readonly em: EntityManager;

  constructor(em: EntityManager) {
    this.em = em;
  }

  async query<Row extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Row>> {
    const pool = await this.em.getConnection().getNativeClient();
    // oxlint-disable-next-line gatehouse/no-raw-sql -- the library's own, whose values are parameters
    return pool.query<Row>(statement);
  }

  /** @returns when the present count of `key` ends, in milliseconds since 1970 */
  async lengthen(key: string, strikes: string, growth: Growth): Promise<number> {
    const [row] = await lengthen(this.em, { key, strikes, now: Date.now(), ...growth });
    return Number(row?.expire ?? Date.now() + growth.first);
  }

  /** Unlike `reward` of the library this makes no row: one below zero would be a present to whoever comes next. */
  async giveBack(keys: string[]): Promise<void> {
    await giveBack(this.em, { keys });
  }
}
