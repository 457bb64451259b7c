import type { RemovalStep } from "../database/removal.ts";

/** Seconds for which what has ended before its refresh token stays, for whoever wants to know what happened. */
const keepEnded = 86_400;

/** Seconds for which a revocation stays in the table after it is of use to nobody: clocks differ. */
const keepRevocations = 600;

// What is locked is left for the next time.
const statements = {
  "expired refresh tokens": `delete from sessions where id = any(array(
     select id from sessions where refresh_expires_at <= now()
     order by refresh_expires_at limit :batchSize for update skip locked))`,
  "expired sessions": `delete from sessions where id = any(array(
     select id from sessions where expires_at < now() - make_interval(secs => :accessTokenTtl + :keepEnded)
     order by expires_at limit :batchSize for update skip locked))`,
  "revoked sessions": `delete from sessions where id = any(array(
     select id from sessions where revoked_at < now() - make_interval(secs => :accessTokenTtl + :keepEnded)
     order by revoked_at limit :batchSize for update skip locked))`,
  "list of revoked sessions": `delete from session_revocations where session_id = any(array(
     select session_id from session_revocations
     where revoked_at < now() - make_interval(secs => :accessTokenTtl + :keepRevocations)
     order by revoked_at limit :batchSize for update skip locked))`,
  "revocations of tokens": `delete from token_revocations where subject = any(array(
     select subject from token_revocations
     where revoked_at < now() - make_interval(secs => :accessTokenTtl + :keepRevocations)
     order by revoked_at limit :batchSize for update skip locked))`,
};

/** The end of sessions that are of no more use. @param accessTokenTtl seconds */
export function sessionRemoval(accessTokenTtl: number): RemovalStep[] {
  const values = { accessTokenTtl, keepEnded, keepRevocations };
  return Object.entries(statements).map(([name, sql]) => ({ name, sql, values }));
}
