import type { EntityManager } from "@mikro-orm/postgresql";
import { insertEvents } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { EventOutcome, EventType } from "../events/event-type.ts";
import type { LogoutScope } from "./logout.type.ts";

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
  /** Given when a refresh token speaks for the session. */
  generation?: number;
  /** Seconds for which the generation before the present one still counts: its holder may not have seen the answer. */
  refreshGrace?: number;
}

const event = insertEvents({
  type: ":type",
  outcome: ":outcome",
  cause: ":cause",
  from: "ended",
  userId: "user_id",
  sessionId: "id",
});

// The rows are locked in the order of their ids, so that two sign-outs of one user cannot wait for each other.
const revoke = `
  with doomed as (
    select s.id
    from sessions c join sessions s on s.user_id = c.user_id
    where c.id = :sessionId and c.user_id = :userId and c.revoked_at is null and c.expires_at > now()
      and s.revoked_at is null and s.expires_at > now()
      and case when s.id = c.id then :current else :others and (
        c.refresh_generation = coalesce(cast(:generation as int), c.refresh_generation)
        or (c.refresh_generation = cast(:generation as int) + 1 and c.rotated_at > now() - make_interval(secs => :refreshGrace))
      ) end
    order by s.id
    for update of s
  ), ended as (
    update sessions s set revoked_at = now(), revoked_reason = :reason
    from doomed where s.id = doomed.id
    returning s.id, s.user_id
  ), recorded as (
    ${event}
  )
  select id from ended`;

/**
 * Ends live sessions of a user, as far as the session that asks is alive itself: a signed-out token ends nothing more,
 * and a refresh token that was replaced before the grace time ends its own session only.
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
    refreshGrace: refreshGrace ?? 0,
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
