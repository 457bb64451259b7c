import type { EntityManager } from "@mikro-orm/postgresql";
import type { TokenSubject } from "../security/session-tokens.ts";
import { sessionColumns } from "./session-row.ts";
import type { SessionRow } from "./session-row.ts";

// In seconds of the clock of the database, which may be another than ours.
const callerQuery = `
  select ${sessionColumns},
    (extract(epoch from s.expires_at) - extract(epoch from now()))::float8 as seconds_left,
    (extract(epoch from now()) - extract(epoch from s.last_used_at))::float8 as seconds_unused
  from users u left join sessions s on s.id = $1 and s.user_id = u.id
  where u.id = $2`;

/** A user, with the session if it is theirs. */
export interface CallerRow extends SessionRow {
  seconds_left: number;
  seconds_unused: number;
}

/** Undefined when there is no such user. */
export async function readCaller(
  em: EntityManager,
  { userId, sessionId }: TokenSubject,
): Promise<CallerRow | undefined> {
  // What requests wait for: a statement that PostgreSQL has prepared, without the ORM's work around it.
  const pool = await em.getConnection().getNativeClient();
  const values = [sessionId, userId];
  return (await pool.query<CallerRow>({ name: "caller", text: callerQuery, values })).rows[0];
}
