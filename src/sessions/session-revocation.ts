import type { EntityManager } from "@mikro-orm/postgresql";
import type { LogoutScope } from "./logout.type.ts";

/** Why a session ended: the values of `sessions.revoked_reason`, beside `user_deactivated`, which the database sets. */
export type RevocationReason =
  "signed_out" | "revoked_by_user" | "password_changed" | "refresh_token_reused" | "too_many_sessions";

export interface RevocationSubject {
  userId: string;
  sessionId: string;
  /** Given when a refresh token speaks for the session. */
  generation?: number;
  /** Seconds for which the generation before the present one still counts: its holder may not have seen the answer. */
  refreshGrace?: number;
}

// The rows are locked in the order of their ids, so that two sign-outs of one user cannot wait for each other.
const revoke = `
  with doomed as (
    select s.id
    from sessions c join sessions s on s.user_id = c.user_id
    where c.id = ? and c.user_id = ? and c.revoked_at is null and c.expires_at > now()
      and s.revoked_at is null and s.expires_at > now()
      and case when s.id = c.id then ? else ? and (
        c.refresh_generation = coalesce(cast(? as int), c.refresh_generation)
        or (c.refresh_generation = cast(? as int) + 1 and c.rotated_at > now() - make_interval(secs => ?))
      ) end
    order by s.id
    for update of s
  )
  update sessions s set revoked_at = now(), revoked_reason = ?
  from doomed where s.id = doomed.id
  returning s.id`;

/**
 * Ends live sessions of a user, as far as the session that asks is alive itself: a signed-out token ends nothing more,
 * and a refresh token that was replaced before the grace time ends its own session only.
 * @returns how many were ended
 */
export async function revokeSessions(
  em: EntityManager,
  { userId, sessionId, generation, refreshGrace }: RevocationSubject,
  scope: LogoutScope,
  reason: RevocationReason,
): Promise<number> {
  const ended = await em.execute<{ id: string }[]>(revoke, [
    sessionId,
    userId,
    scope !== "OTHERS",
    scope !== "CURRENT",
    generation ?? null,
    generation ?? null,
    refreshGrace ?? 0,
    reason,
  ]);
  return ended.length;
}
