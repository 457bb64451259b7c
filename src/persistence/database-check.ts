import { within } from "../time-limit.ts";
import type { Orm } from "./orm.ts";

/** Milliseconds. */
const longestCheck = 5_000;

// Fails on a server that takes no writes, as a standby: connections to it are dropped then, and opened to its successor.
const canBeWritten = `do $$ begin
  if current_setting('transaction_read_only')::boolean then raise read_only_sql_transaction; end if;
end $$`;

/** Resolves when the database answers and takes writes. */
export async function checkDatabase(orm: Orm): Promise<void> {
  await within(longestCheck, orm.em.fork().execute(canBeWritten));
}
