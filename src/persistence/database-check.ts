import { within } from "../timing/time-limit.ts";
import { answeredQueries } from "./guarded-pool.ts";
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

/** Resolves when the database does what a sign-in needs, or when it is busy with queries of ours, which it answers. */
export async function checkDatabase(orm: Orm): Promise<void> {
  const pool = await orm.em.getConnection().getNativeClient();
  const before = answeredQueries(pool);
  await within(longestCheck, orm.em.fork().execute(writeAsSignInDoes)).catch((error: unknown) => {
    const isBusy = pool.waitingCount > 0 && answeredQueries(pool) > before;
    if (!isBusy) throw error;
  });
}
