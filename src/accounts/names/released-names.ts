import type { RemovalStep } from "../../database/removal.ts";

/** What statements about released names need to know. */
export interface NameReuse {
  /** Seconds for which a released name is reserved for the account that gave it up. */
  nameReuseAfter: number;
}

/** A condition on released_names: that another account than `:except` gave up one of `:emailKey` and `:usernameKey` of late. */
export const isReservedName = `
  (kind = 'email' and key = gatehouse_name_digest(:emailKey)
    or kind = 'username' and key = gatehouse_name_digest(:usernameKey))
  and (user_id is null or user_id is distinct from cast(:except as uuid))
  and released_at > clock_timestamp() - make_interval(secs => :nameReuseAfter)`;

/**
 * For what a statement that inserts users `u` returns: fails as a unique index does when one of their names is reserved.
 * It reads after the insert, which may have waited for another transaction to give the name up.
 */
export const claimNames = "gatehouse_claim_names(u.id, u.email_key, u.username_key, :nameReuseAfter)";

/** The end of reservations that are over. */
export function releasedNameRemoval(nameReuseAfter: number): RemovalStep {
  return {
    name: "released names",
    sql: `delete from released_names where (kind, key) in (
       select kind, key from released_names where released_at < now() - make_interval(secs => :nameReuseAfter)
       order by released_at limit :batchSize for update skip locked)`,
    values: { nameReuseAfter },
  };
}
