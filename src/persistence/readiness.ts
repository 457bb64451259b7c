import { clock } from "../timing/clock.ts";
import { within } from "../timing/time-limit.ts";
import { answeredQueries, waitingQueries } from "./guarded-pool.ts";
import type { Orm } from "./orm.ts";

/** Milliseconds. */
const longestCheck = 5_000;

// A sign-in takes a connection of the pool, reads these tables and writes to `attempts`; so does this. On a server that
// takes no writes, as a standby, connections are dropped then, and opened to its successor.
const writeAsSignInDoes = `do $$ begin
  if current_setting('transaction_read_only')::boolean then raise read_only_sql_transaction; end if;
  perform from users, sessions, signing_keys, auth_events limit 0;
  insert into attempts (key, points, expire) values ('readiness', 0, 0) on conflict (key) do update set points = 0;
end $$`;

/**
 * Resolves when the clock is right and the database does what a sign-in needs, or is busy with queries of ours, which it
 * answers.
 * @throws WrongClock, or the error of the database
 */
export async function checkReadiness(orm: Orm): Promise<void> {
  clock.check();
  const pool = await orm.em.getConnection().getNativeClient();
  const before = answeredQueries(pool);
  await within(longestCheck, orm.em.fork().execute(writeAsSignInDoes)).catch((error: unknown) => {
    const isBusy = waitingQueries(pool) > 0 && answeredQueries(pool) > before;
    if (!isBusy) throw error;
  });
}
