import { insertEvents } from "../events/event-record.ts";
import type { RevocationReason } from "./session-revocation.ts";
import { sessionColumns } from "./session-row.ts";
import type { SessionRow } from "./session-row.ts";

/** What the tokens of a session are made from. */
export type IssuedState = Pick<SessionRow, "refresh_generation" | "rotated_at" | "refresh_expires_at">;

/** What tells of a refresh that changes nothing. */
export type RefreshRow = SessionRow & { expired: boolean; in_grace: boolean };

const reason: RevocationReason = "too_many_sessions";

const opened = { userId: "user_id", sessionId: "id" };

// The sign-in has locked the user's row, so of several at once each counts those before it. The rows of sessions are
// locked in the order of their ids, as every sign-out locks them.
export const insert = `
  with excess as (
    select s.id from sessions s
    where s.revoked_at is null and s.id in (
      select id from sessions where user_id = :userId and revoked_at is null and expires_at > now()
      order by created_at desc, id desc offset :maxPerUser - 1
    )
    order by s.id for update
  ), ended as (
    update sessions s set revoked_at = now(), revoked_reason = '${reason}' from excess where s.id = excess.id
    returning s.id, s.user_id
  ), opened as (
    insert into sessions (id, user_id, refresh_expires_at, expires_at, ip, user_agent)
    values (:id, :userId, now() + make_interval(secs => least(:refreshTokenTtl, :absoluteTtl)),
      now() + make_interval(secs => least(:refreshTokenTtl, :absoluteTtl, :idleTtl)), :ip, :userAgent)
    returning id, user_id, refresh_generation, rotated_at, refresh_expires_at
  ), recorded as (
    ${insertEvents(
      { type: "SIGNED_UP", from: "opened where :signedUp", ...opened },
      { type: "SESSION_REVOKED", cause: "TOO_MANY_SESSIONS", actor: "system", from: "ended", ...opened },
      { type: "SIGNED_IN", from: "opened", ...opened },
    )}
  )
  select refresh_generation, rotated_at, refresh_expires_at from opened`;

const absoluteEnd = "s.created_at + make_interval(secs => :absoluteTtl)";

export const rotate = `
  with rotated as (
  update sessions s
  set refresh_generation = s.refresh_generation + 1, rotated_at = now(), last_used_at = now(),
    refresh_expires_at = least(now() + make_interval(secs => :refreshTokenTtl), ${absoluteEnd}),
    expires_at = least(now() + make_interval(secs => least(:refreshTokenTtl, :idleTtl)), ${absoluteEnd})
  from users u
  where s.id = :sessionId and u.id = :userId and s.user_id = u.id and u.is_active
    and s.refresh_generation = :generation and s.revoked_at is null and s.expires_at > now()
    and ${absoluteEnd} > now()
  returning ${sessionColumns}
  ), recorded as (
    ${insertEvents({ type: "TOKEN_REFRESHED", from: "rotated", userId: "id", sessionId: "session_id" })}
  )
  select * from rotated`;

export const findForRefresh = `
  select ${sessionColumns}, least(s.expires_at, ${absoluteEnd}) <= now() as expired,
    s.rotated_at > now() - make_interval(secs => :refreshGrace) as in_grace
  from users u left join sessions s on s.id = :sessionId and s.user_id = u.id
  where u.id = :userId`;
