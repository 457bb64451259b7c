import type { EntityManager } from "@mikro-orm/postgresql";
import { insertEvents } from "../../events/event-record.ts";
import type { EventOrigin } from "../../events/event-record.ts";
import type { EventOutcome, EventType } from "../../events/event-type.ts";
import { generationState } from "../refresh/generation-state.ts";
import type { LogoutScope } from "../logout.type.ts";

/** Why a session ended: the values of `sessions.revoked_reason`, beside `user_deactivated`, which the database sets. */
export type RevocationReason =
  "signed_out" | "revoked_by_user" | "password_changed" | "refresh_token_reused" | "too_many_sessions";

/** How the event log tells of it. */
const events = {
  signed_out: { type: "SIGNED_OUT", outcome: "success", cause: null },
  refresh_token_reused: { type: "REFRESH_REUSED", outcome: "failure", cause: null },
} as const satisfies Partial<
  Record<RevocationReason, { type: EventType; outcome: EventOutcome; cause: string | null }>
>;

export interface RevocationSubject {
  userId: string;
  sessionId: string;
  /** Of the token that speaks for the session, if one does. */
  generation?: number | undefined;
  /**
   * Given when that is a refresh token: seconds for which the generation before the present one still counts, because its
   * holder may not have seen the answer.
   */
  refreshGrace?: number;
}

const ids = { userId: "user_id", sessionId: "id" };
const recordEnds = insertEvents(
  {
    type: ":type",
    outcome: ":outcome",
    cause: ":cause",
    from: "ended where revoked_reason = :reason",
    ...ids,
  },
  { type: "REFRESH_REUSED", outcome: "failure", from: "ended where revoked_reason <> :reason", ...ids },
);

// The rows are locked in the order of their ids, so that two sign-outs of one user cannot wait for each other.
const revoke = `
  with asking as (
    select s.id, s.user_id, s.refresh_generation,
      case
        when cast(:refreshGrace as float8) is not null then ${generationState}
        when s.superseded_generations @> cast(:generation as int) then 'reused'
        else 'present'
      end as state
    from sessions s
    where s.id = :sessionId and s.user_id = :userId and s.revoked_at is null and s.expires_at > now()
  ), locked as (
    select s.id, s.id = c.id as is_own, c.state = 'reused' as reused
    from asking c join sessions s on s.user_id = c.user_id
    where s.revoked_at is null and s.expires_at > now()
      and (s.id = c.id or (:others and (
        c.state = 'present' or (c.state = 'repeated' and c.refresh_generation = cast(:generation as int) + 1)
      )))
    order by s.id
    for update of s
  ), ended as (
    update sessions s set revoked_at = now(),
      revoked_reason = case when is_own and reused then 'refresh_token_reused' else :reason end
    from locked where s.id = locked.id and (not is_own or :current or reused)
    returning s.id, s.user_id, s.revoked_reason
  ), used as (
    update sessions s set used_generation = s.refresh_generation
    from locked
    where s.id = locked.id and is_own and not (:current or reused) and s.refresh_generation = cast(:generation as int)
  ), recorded as (
    ${recordEnds}
  )
  select id from ended`;

/**
 * Ends live sessions of a user, as far as the session that asks is alive itself: a signed-out token ends nothing more,
 * and a refresh token that was replaced before the grace time ends its own session only. A token that no longer counts
 * (see GenerationState) ends its own session as reused, whatever the scope.
 * @returns how many were ended
 */
export async function revokeSessions(
  em: EntityManager,
  { userId, sessionId, generation, refreshGrace }: RevocationSubject,
  scope: LogoutScope,
  reason: keyof typeof events,
  { ip, userAgent }: EventOrigin,
): Promise<number> {
  const ended = await em.execute<{ id: string }[]>(revoke, {
    sessionId,
    userId,
    current: scope !== "OTHERS",
    others: scope !== "CURRENT",
    generation: generation ?? null,
    refreshGrace: refreshGrace ?? null,
    reason,
    ...events[reason],
    ip,
    userAgent,
  });
  return ended.length;
}

const passwordChanged: RevocationReason = "password_changed";

const revokeAll = `
  with ended as (
    select id from gatehouse_end_user_sessions(:userId, '${passwordChanged}') as id
  ), recorded as (
    ${insertEvents({ type: "SESSION_REVOKED", cause: "PASSWORD_CHANGED", from: "ended", userId: ":userId", sessionId: "id" })}
  )
  select count(*) from ended`;

/** Ends every session of a user whose password has changed, so that no older token of theirs is good any more. */
export async function revokeAllSessions(
  em: EntityManager,
  userId: string,
  { ip, userAgent }: EventOrigin,
): Promise<void> {
  await em.execute(revokeAll, { userId, ip, userAgent });
}
