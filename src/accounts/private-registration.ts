import type { EntityManager } from "@mikro-orm/postgresql";
import { SignInRequired } from "../errors.ts";
import { insertEvents } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import { namedStatement } from "../database/named-statement.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import type { RegisterInput } from "./account.inputs.ts";
import { nameKeys } from "./names/name-keys.ts";
import type { NameKeys } from "./names/name-keys.ts";
import { newAccount } from "./new-account.ts";
import type { NewAccount } from "./new-account.ts";
import { claimNames, isReservedName } from "./names/released-names.ts";
import type { NameReuse } from "./names/released-names.ts";
import { isUniqueViolation } from "./names/unique-violation.ts";

// One statement, and one transaction that looks and writes, whether the names are free or not: the answer takes the
// same time. Of two at once the unique indexes refuse one. And one event: were the owner of a username told too, who asks
// for their own and another's email could count the events.
const makeIfFree = namedStatement<never, NewAccount & NameKeys & NameReuse & EventOrigin & { except: null }>({
  name: "make-if-free",
  text: `
  with taken as materialized (
    select id, true as by_email from users where email_key in (:emailKey, :emailAsTyped)
    union all
    select id, false from users where username_key in (:usernameKey, :usernameAsTyped)
    union all
    select null, false from released_names where ${isReservedName}
  ), made as (
    insert into users as u (id, email, email_key, username, username_key, password_hash, password_form,
      bio, full_name, birth_date)
    select cast(:id as uuid), :email, :emailKey, :username, :usernameKey, :passwordHash, :passwordForm,
      :bio, :fullName, cast(:birthDate as date)
    where not exists (select from taken)
    on conflict do nothing returning id, ${claimNames}
  ), refused as (
    select (select id from taken where by_email order by id limit 1) as id where not exists (select from made)
  )
  ${insertEvents(
    { type: "SIGNED_UP", from: "made", userId: "id" },
    { type: "SIGN_UP_FAILED", outcome: "failure", cause: "NAME_TAKEN", from: "refused", userId: "id" },
  )}`,
});

/** The register of REGISTRATION_PRIVACY: nobody learns by its answer, or by the time it takes, who has an account. */
export class PrivateRegistration {
  private readonly em: EntityManager;
  private readonly hasher: PasswordHasher;
  private readonly reuse: NameReuse;

  constructor(em: EntityManager, hasher: PasswordHasher, reuse: NameReuse) {
    this.em = em;
    this.hasher = hasher;
    this.reuse = reuse;
  }

  /**
   * Makes the account if its names are free. A session would tell that they were, so there is none.
   * @throws SignInRequired in any case
   */
  async register(input: RegisterInput, client: Client): Promise<never> {
    const account = await newAccount(input, this.hasher, client.abandoned);
    const values = { ...nameKeys(input), ...account, ...client, ...this.reuse, except: null };
    await makeIfFree(this.em, values).catch(async (error: unknown) => {
      // A name was given up at the same moment. The second attempt finds it reserved.
      if (!isUniqueViolation(error)) throw error;
      await makeIfFree(this.em, values);
    });
    throw new SignInRequired();
  }
}
