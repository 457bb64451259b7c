import { v7 } from "uuid";
import { insertEvents } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { EventType } from "../events/event-type.ts";
import { namedStatement } from "../database/named-statement.ts";
import { generationState, nextGeneration } from "./refresh/generation-state.ts";
import type { GenerationState } from "./refresh/generation-state.ts";
import { sessionColumns, userColumns } from "./session-row.ts";
import type { SessionRow, UserRow } from "./session-row.ts";

/** What the tokens of a session are made from. */
export type IssuedState = Pick<SessionRow, "refresh_generation" | "rotated_at" | "refresh_expires_at">;

/** Who has signed in, and the session that was opened. */
export type OpenedRow = UserRow & IssuedState;

/** What a statement with `opening` needs to know beside what is its own. */
export interface OpeningValues extends EventOrigin {
  sessionId: string;
  maxPerUser: number;
  /** Seconds. */
  refreshLifetime: number;
  /** Seconds; shorter where a session that is not used ends. */
  lifetime: number;
}

/** Seconds, but for `maxPerUser`. */
export interface OpeningLimits {
  refreshTokenTtl: number;
  /** A session that is not used for so long ends. */
  idleTtl: number;
  /** No session lives longer, however often it is refreshed. */
  absoluteTtl: number;
  /** Live sessions of one user; the oldest sign-ins beyond end. */
  maxPerUser: number;
}

/** Of a new session, for a client. */
export function openingValues(
  { refreshTokenTtl, idleTtl, absoluteTtl, maxPerUser }: OpeningLimits,
  { ip, userAgent }: EventOrigin,
): OpeningValues {
  const refreshLifetime = Math.min(refreshTokenTtl, absoluteTtl);
  const lifetime = Math.min(refreshLifetime, idleTtl);
  return { sessionId: v7(), maxPerUser, refreshLifetime, lifetime, ip, userAgent };
}

/**
 * The end of a statement that signs somebody in: opens a session for each user that `write` returns, whose row it has
 * locked, and ends their oldest ones where there are too many.
 * @param write an `insert` or `update` of users `u`
 */
export function opening(write: string, ...before: EventType[]): string {
  return openingFor(`${write} returning ${userColumns}`, ...before);
}

/** The same for a statement that returns the users. */
export function openingFor(users: string, ...before: EventType[]): string {
  const ids = { userId: "id", sessionId: "session_id" };
  return `
  with signed_in as (
    ${users}
  ), opened as materialized (
    select u.*, cast(:sessionId as uuid) as session_id, s.*
    from signed_in u, gatehouse_open_session(
      :sessionId, u.id, :maxPerUser, :refreshLifetime, :lifetime, :ip, :userAgent) s
  ), recorded as (
    ${insertEvents(
      ...before.map((type) => ({ type, from: "opened", ...ids })),
      {
        type: "SESSION_REVOKED",
        cause: "TOO_MANY_SESSIONS",
        actor: "system",
        from: "opened, unnest(ended) ended_id",
        userId: "id",
        sessionId: "ended_id",
      },
      { type: "SIGNED_IN", from: "opened", ...ids },
    )}
  )
  select * from opened`;
}

/** Opens a session within a transaction that has locked the row of the user. */
export const reopen = openingFor(`select ${userColumns} from users u where u.id = :userId`);

/** What tells of a refresh that changes nothing. */
export type RefreshRow = SessionRow & { expired: boolean; state: GenerationState; now: string };

interface RefreshValues extends EventOrigin {
  userId: string;
  sessionId: string;
  generation: number;
  /** Seconds, as the next three. */
  refreshTokenTtl: number;
  idleTtl: number;
  absoluteTtl: number;
  refreshGrace: number;
  /** Whether the audit log gets an event. */
  isRecorded: boolean;
}

const absoluteEnd = "s.created_at + make_interval(secs => :absoluteTtl)";

// `rotated_at` dates the tokens. It never goes back: the first tokens of a session may be dated to the next second, see
// gatehouse_end_user_sessions.
export const rotate = namedStatement<SessionRow, RefreshValues>({
  name: "rotate",
  text: `
  with rotated as (
  update sessions s
  set ${nextGeneration}, rotated_at = greatest(now(), s.rotated_at), last_used_at = now(),
    refresh_expires_at = least(now() + make_interval(secs => :refreshTokenTtl), ${absoluteEnd}),
    expires_at = least(now() + make_interval(secs => least(:refreshTokenTtl, :idleTtl::float8)), ${absoluteEnd})
  from users u
  where s.id = :sessionId and u.id = :userId and s.user_id = u.id and u.is_active
    and ${generationState} in ('present', 'unanswered') and s.revoked_at is null and s.expires_at > now()
    and ${absoluteEnd} > now()
  returning ${sessionColumns}, s.superseded_generations @> (s.refresh_generation - 1) as retried
  ), recorded as (
    ${insertEvents(
      {
        type: "TOKEN_REFRESHED",
        from: "rotated where :isRecorded and not retried",
        userId: "id",
        sessionId: "session_id",
      },
      {
        type: "TOKEN_REFRESHED",
        cause: "RETRIED",
        from: "rotated where retried",
        userId: "id",
        sessionId: "session_id",
      },
    )}
  )
  select * from rotated`,
});

export const findForRefresh = namedStatement<RefreshRow, RefreshValues>({
  name: "find-for-refresh",
  text: `
  select ${sessionColumns}, least(s.expires_at, ${absoluteEnd}) <= now() as expired,
    now() as now, ${generationState} as state
  from users u left join sessions s on s.id = :sessionId and s.user_id = u.id
  where u.id = :userId`,
});
