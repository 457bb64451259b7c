import type { EntityManager } from "@mikro-orm/postgresql";
import { namedStatement } from "../named-statement.ts";
import { normalizeEmail } from "../security/email-address.ts";
import { addressBlock } from "../security/address-block.ts";
import type { LoginInput } from "./account.inputs.ts";
import { isSameName, nameForm } from "./name-forms.ts";
import type { User } from "./user.entity.ts";

/** Sign-ins of an account that count as "before". */
const mostPlaces = 200;

/** An account as far as a sign-in needs it. */
export type SignInUser = Pick<User, "id" | "isActive" | "passwordHash">;

type Found = { wantedName: string; places: string[] } & (SignInUser | { id: null });

const lookup = (by: "email" | "username") => `
  select ${nameForm[by](":name")} as "wantedName", u.id, u.is_active as "isActive", u.password_hash as "passwordHash",
    array(
      select distinct ip from (
        (select e.ip from auth_events e
         where e.user_id = u.id and e.type = 'SIGNED_IN' and e.outcome = 'success'
         order by e.id desc limit ${mostPlaces})
        union all
        (select s.ip from sessions s
         where s.user_id = u.id and s.revoked_at is null and s.expires_at > now()
         order by s.id desc limit ${mostPlaces})
      ) places where ip is not null
    ) as places
  from (values (1)) one left join users u on ${isSameName[by](`u.${by}`, ":name")}`;

type FoundBy = { name: string | null | undefined };

const lookups = {
  email: namedStatement<Found, FoundBy>({ name: "sign-in by email", text: lookup("email") }),
  username: namedStatement<Found, FoundBy>({ name: "sign-in by username", text: lookup("username") }),
};

/** Who is meant by a name, found in one query that is the same whether there is an account or not. */
export interface SignInSubject {
  user: SignInUser | null;
  /** The account, by whichever of its names it was asked for; else the name that nobody has. */
  account: string;
  /** Whether somebody has signed in to the account from there before. */
  isKnownPlace: boolean;
}

export class SignInLookup {
  private readonly em: EntityManager;

  constructor(em: EntityManager) {
    this.em = em;
  }

  async find(
    { email, username }: Pick<LoginInput, "email" | "username">,
    ip: string,
  ): Promise<SignInSubject> {
    const by = email == null ? "username" : "email";
    const name = email == null ? username : normalizeEmail(email);
    const [found] = (await lookups[by](this.em, { name })) as [Found];
    const here = addressBlock(ip);
    return {
      user: found.id === null ? null : found,
      account: found.id ?? `${by} ${found.wantedName}`,
      isKnownPlace: found.places.some((place) => addressBlock(place) === here),
    };
  }
}
