import type { EntityManager } from "@mikro-orm/postgresql";
import type { AccessTokenFacts } from "../security/verified-tokens.ts";
import { sessionColumns } from "./session-row.ts";
import type { SessionRow } from "./session-row.ts";

const tokenGeneration = "cast($3 as int)";

// In seconds of the clock of the database, which may be another than ours. Nothing precedes the generation 0, so it is
// never superseded, and its use is not worth a write.
const callerQuery = `
  select ${sessionColumns},
    (extract(epoch from s.expires_at) - extract(epoch from now()))::float8 as seconds_left,
    (extract(epoch from now()) - extract(epoch from s.last_used_at))::float8 as seconds_unused,
    case
      when ${tokenGeneration} = nullif(s.refresh_generation, 0) and s.used_generation is distinct from ${tokenGeneration}
        and s.revoked_at is null
      then gatehouse_use_generation(s.id, ${tokenGeneration})
      else s.superseded_generations @> ${tokenGeneration} is not true
    end as counts,
    coalesce(upper(s.superseded_generations * int4multirange(int4range(null, ${tokenGeneration}))), 0) as counts_from
  from users u left join sessions s on s.id = $1 and s.user_id = u.id
  where u.id = $2`;

/** A user, with the session if it is theirs. */
export interface CallerRow extends SessionRow {
  seconds_left: number;
  seconds_unused: number;
  /** Whether the generation of the token is not superseded; null while the database takes no writes. */
  counts: boolean | null;
  /** The oldest generation from which on none is superseded, up to that of the token. */
  counts_from: number;
}

/** Marks the generation of the token as used, if it is the present one. @returns undefined when there is no such user */
export async function readCaller(
  em: EntityManager,
  { userId, sessionId, generation }: AccessTokenFacts,
): Promise<CallerRow | undefined> {
  // What requests wait for: a statement that PostgreSQL has prepared, without the ORM's work around it.
  const pool = await em.getConnection().getNativeClient();
  const values = [sessionId, userId, generation ?? null];
  return (await pool.query<CallerRow>({ name: "caller", text: callerQuery, values })).rows[0];
}
