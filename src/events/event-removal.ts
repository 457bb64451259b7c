import type { RemovalStep } from "../database/removal.ts";

/** The end of events by age: the database lets nothing else delete them. @param retention seconds, a day or more */
export function eventRemoval(retention: number): RemovalStep {
  return {
    name: "old events",
    sql: "select from gatehouse_remove_old_events(:retention, :batchSize)",
    values: { retention },
  };
}
