import type { RemovalStep } from "../database/removal.ts";

/** The end of counts that have run out; what is locked is left for the next time. */
export const attemptRemoval: RemovalStep = {
  name: "expired attempts",
  sql: `delete from attempts where key = any(array(
     select key from attempts where expire <= extract(epoch from now()) * 1000
     order by expire limit :batchSize for update skip locked))`,
  values: {},
};
