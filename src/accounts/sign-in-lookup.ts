import type { EntityManager } from "@mikro-orm/postgresql";
import { LRUCache } from "lru-cache";
import { namedStatement } from "../database/named-statement.ts";
import { addressBlock } from "../security/address-block.ts";
import { retainedBytes } from "../security/retained-bytes.ts";
import type { TriedAccount } from "../throttling/password-attempt.ts";
import type { LoginInput } from "./account.inputs.ts";
import { nameKeys } from "./names/name-keys.ts";
import type { StoredPassword } from "./stored-password.ts";
import type { User } from "./user.entity.ts";

/** Sign-ins of an account that count as "before". */
const mostPlaces = 200;

/** An account as far as a sign-in needs it. */
export type SignInUser = Pick<User, "id" | "isActive"> & StoredPassword;

type Found = { places: string[] } & (SignInUser | { id: null });

const lookup = (by: "email" | "username") => `
  select u.id, u.is_active as "isActive", u.password_hash as "passwordHash",
    u.password_form as "passwordForm",
    array(
      select distinct ip from (
        (select e.ip from auth_events e
         where e.user_id = u.id and e.type = 'SIGNED_IN' and e.outcome = 'success'
           and u.id is distinct from :atHome::uuid
         order by e.id desc limit ${mostPlaces})
        union all
        (select s.ip from sessions s
         where s.user_id = u.id and s.revoked_at is null and s.expires_at > now()
           and u.id is distinct from :atHome::uuid
         order by s.id desc limit ${mostPlaces})
      ) places where ip is not null
    ) as places
  from (values (1)) one left join lateral (
    select id, is_active, password_hash, password_form from users where ${by}_key in (:key, :asTyped)
    order by ${by}_key = :asTyped desc limit 1
  ) u on true`;

/** `atHome`: the account of which it is known already that the address is one of its places. */
type FoundBy = { key: string | null; asTyped: string | null; atHome: string | undefined };

const lookups = {
  email: namedStatement<Found, FoundBy>({ name: "sign-in by email", text: lookup("email") }),
  username: namedStatement<Found, FoundBy>({ name: "sign-in by username", text: lookup("username") }),
};

/** Who is meant by a name: `account` is the account's id, by whichever of its names; else the name that nobody has. */
export interface SignInSubject extends TriedAccount {
  user: SignInUser | null;
}

/** Bytes of the names and addresses for which it is remembered who was meant: some 10,000. */
const mostGuessed = 8 * 2 ** 20;

/** Milliseconds for which an address is taken for a place of an account without another look: reading them is dear. */
const placeKept = 600_000;

type GivenName = Pick<LoginInput, "email" | "username">;

export class SignInLookup {
  private readonly em: EntityManager;
  /** By address, too: else whoever measures could find out for which names somebody else has just tried to sign in. */
  private readonly guesses = new LRUCache<string, TriedAccount>({
    maxSize: mostGuessed,
    ttl: placeKept,
  });

  constructor(em: EntityManager) {
    this.em = em;
  }

  /** Finds who is meant in one query that is the same whether there is an account or not. */
  async find(given: GivenName, ip: string): Promise<SignInSubject> {
    const { by, ...keys } = wanted(given);
    const guess = this.guess(given, ip);
    const atHome = guess?.isKnownPlace ? guess.account : undefined;
    const [found] = (await lookups[by](this.em, { ...keys, atHome })) as [Found];
    const here = addressBlock(ip);
    const account = found.id ?? `${by} ${keys.key}`;
    const isKnownPlace = account === atHome || found.places.some((place) => addressBlock(place) === here);
    // Nothing was read of the places where they were known, so it is not kept for longer.
    if (account !== atHome) {
      const key = occasion(given, ip);
      this.guesses.set(key, { account, isKnownPlace }, { size: retainedBytes(key, account) });
    }
    return { user: found.id === null ? null : found, account, isKnownPlace };
  }

  /** What the look before this one has found, whether there is an account or not. */
  guess(given: GivenName, ip: string): TriedAccount | undefined {
    return this.guesses.get(occasion(given, ip));
  }
}

function wanted(given: GivenName) {
  const keys = nameKeys(given);
  return given.email == null
    ? ({ by: "username", key: keys.usernameKey, asTyped: keys.usernameAsTyped } as const)
    : ({ by: "email", key: keys.emailKey, asTyped: keys.emailAsTyped } as const);
}

function occasion(given: GivenName, ip: string): string {
  const { by, key } = wanted(given);
  return JSON.stringify([by, key, addressBlock(ip)]);
}
