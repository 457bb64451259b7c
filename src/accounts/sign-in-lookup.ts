import type { EntityManager } from "@mikro-orm/postgresql";
import { normalizeEmail } from "../security/email-address.ts";
import { addressBlock } from "../security/address-block.ts";
import type { LoginInput } from "./account.inputs.ts";
import { isSameName, nameForm } from "./name-forms.ts";
import { User } from "./user.entity.ts";

/** Sign-ins of an account that count as "before". */
const mostPlaces = 200;

const lookup = (by: "email" | "username") => `
  select ${nameForm[by](":name")} as wanted_name, u.*,
    array(
      select distinct ip from (
        (select e.ip from auth_events e
         where e.user_id = u.id and e.type = 'SIGNED_IN' and e.outcome = 'success'
         order by e.id desc limit :mostPlaces)
        union all
        (select s.ip from sessions s
         where s.user_id = u.id and s.revoked_at is null and s.expires_at > now()
         order by s.id desc limit :mostPlaces)
      ) places where ip is not null
    ) as places
  from (values (1)) one left join users u on ${isSameName[by](`u.${by}`, ":name")}`;

/** Who is meant by a name, found in one query that is the same whether there is an account or not. */
export interface SignInSubject {
  user: User | null;
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
    const em = this.em.fork();
    const [{ wanted_name, places, ...row }] = await em.execute<
      [{ wanted_name: string; places: string[]; id: string | null }]
    >(lookup(by), { name, mostPlaces });
    const here = addressBlock(ip);
    return {
      user: row.id === null ? null : em.map(User, row),
      account: row.id ?? `${by} ${wanted_name}`,
      isKnownPlace: places.some((place) => addressBlock(place) === here),
    };
  }
}
