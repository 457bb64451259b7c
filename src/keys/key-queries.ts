import { insertEvents } from "../events/event-record.ts";
import type { AsymmetricAlgorithm } from "../security/token-keys.ts";

/** A published key; times are ISO 8601. */
export interface PublishedKey {
  kid: string;
  algorithm: AsymmetricAlgorithm;
  state: "next" | "signing" | "verifying";
  since: string;
  until: string | null;
}

/** A key with its private part, as it is stored. */
export interface SealedKey {
  kid: string;
  sealed: string;
}

/** Every key that still has its private part. */
export const sealedKeys =
  "select kid, sealed_private_key as sealed from signing_keys where sealed_private_key is not null";

/** The key that signs, or will. Parameter: seconds after which a signing key is due to be succeeded. */
export const newest = `
  select kid, signs_from, public_jwk->>'alg' as algorithm,
    signs_from <= now() as signs, signs_from + make_interval(secs => ?) <= now() as due
  from signing_keys where published_until is null order by signs_from desc, kid limit 1`;

/** Whether any step is to be taken. Parameters: as for `newest`, and the tolerance of clocks in seconds. */
export const anythingDue = `
  select not exists (select from signing_keys where published_until is null)
    or (select max(signs_from) from signing_keys where published_until is null)
      + make_interval(secs => ?) <= now()
    or exists (
      select from signing_keys k join signing_keys n on n.signs_from > k.signs_from
      where k.published_until is null and n.published_until is null
        and n.signs_from <= now() - make_interval(secs => ?)
    )
    or exists (select from signing_keys where published_until < now() - interval '1 day') as due`;

/** What verifiers know, the newest first. */
export const listed = `
  select kid, public_jwk->>'alg' as algorithm, signs_from as since, published_until as until,
    case when signs_from > now() then 'next'
      when published_until is null and signs_from = (
        select max(signs_from) from signing_keys where published_until is null and signs_from <= now()
      ) then 'signing'
      else 'verifying' end as state
  from signing_keys where published_until is null or published_until > now()
  order by signs_from desc, kid`;

/**
 * Ends superseded keys when the last token that they signed has expired: the sessions know when the last refresh token
 * does. Parameters: those of an event, and in seconds `:accessTokenTtl` and the tolerance of clocks, `:tolerance`.
 */
export const closeSuperseded = `
  with closed as (
    update signing_keys k
    set sealed_private_key = null,
      published_until = greatest(now() + make_interval(secs => :accessTokenTtl), (select max(refresh_expires_at) from sessions))
        + make_interval(secs => :tolerance)
    where published_until is null and exists (
      select from signing_keys n
      where n.published_until is null and n.signs_from > k.signs_from
        and n.signs_from <= now() - make_interval(secs => :tolerance)
    )
    returning kid
  )
  ${insertEvents({ type: "KEY_RETIRED", cause: "SUPERSEDED", actor: "system", from: "closed", keyId: "kid" })}`;

/** Parameters: those of an event, `:actor`, `:kid`, `:jwk`, `:sealed` and, in seconds until it signs, `:publishAhead`. */
export const addKey = `
  with added as (
    insert into signing_keys (kid, public_jwk, sealed_private_key, signs_from)
    values (:kid, :jwk, :sealed, now() + make_interval(secs => :publishAhead))
    returning kid, signs_from
  ), recorded as (
    ${insertEvents({ type: "KEY_ADDED", actor: ":actor", from: "added", keyId: "kid" })}
  )
  select signs_from from added`;

/** Answers with the kid when there is such a key. Parameters: those of an event, and `:kid`. */
export const retireKey = `
  with retired as (
    update signing_keys set sealed_private_key = null, published_until = now()
    where kid = :kid and (published_until is null or published_until > now())
    returning kid
  ), recorded as (
    ${insertEvents({ type: "KEY_RETIRED", actor: "operator", from: "retired", keyId: "kid" })}
  )
  select kid from retired`;

/** Parameters: those of an event, `:kid` and `:sealed`. */
export const sealKeyAgain = `
  with sealed as (
    update signing_keys set sealed_private_key = :sealed where kid = :kid returning kid
  )
  ${insertEvents({ type: "KEY_SEALED_AGAIN", actor: "system", from: "sealed", keyId: "kid" })}`;
