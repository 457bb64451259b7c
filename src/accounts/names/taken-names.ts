import type { EntityManager } from "@mikro-orm/postgresql";
import { InvalidInput } from "../../errors.ts";
import type { FieldErrors } from "../../errors.ts";
import { FieldError } from "../../field-errors.ts";
import { namedStatement } from "../../database/named-statement.ts";
import type { Caller } from "../../sessions/caller.ts";
import { normalizeEmail } from "../../security/email-address.ts";
import { nameKeys } from "./name-keys.ts";
import type { NameKeys, Names } from "./name-keys.ts";
import { isReservedName } from "./released-names.ts";
import type { NameReuse } from "./released-names.ts";
import { isUniqueViolation } from "./unique-violation.ts";

interface SameNamesValues extends NameKeys, NameReuse {
  except: string | null;
}

const hasEmail = "email_key in (:emailKey, :emailAsTyped)";
const hasUsername = "username_key in (:usernameKey, :usernameAsTyped)";

const sameNames = namedStatement<Record<keyof Names, boolean | null>, SameNamesValues>({
  name: "same-names",
  text: `
  select ${hasEmail} as email, ${hasUsername} as username from users
  where (${hasEmail} or ${hasUsername}) and id is distinct from cast(:except as uuid)
  union all
  select kind = 'email', kind = 'username' from released_names where ${isReservedName}`,
});

const claim = "select gatehouse_claim_names(cast(:userId as uuid), :emailKey, :usernameKey, :nameReuseAfter)";

/** Which of some names belong to another account, or did so until lately. */
export class TakenNames {
  private readonly em: EntityManager;
  readonly isSecret: boolean;
  readonly reuse: NameReuse;

  /** @param isSecret whether it is a secret who has an account */
  constructor(em: EntityManager, isSecret: boolean, reuse: NameReuse) {
    this.em = em;
    this.isSecret = isSecret;
    this.reuse = reuse;
  }

  /**
   * After the names of a user were written, in the same transaction.
   * @throws the error of a unique index when another account gave one of them up of late
   */
  async claim(em: EntityManager, userId: string, names: Names): Promise<void> {
    await em.execute(claim, { userId, ...nameKeys(names), ...this.reuse });
  }

  /** What may be said before anything is written, which costs the asker nothing: of a secret nothing. */
  async toldBeforehand(names: Names, caller?: Caller): Promise<FieldErrors> {
    if (!this.isSecret) return this.among(names, caller?.user.id);
    return caller === undefined ? {} : this.among({ username: names.username ?? null }, caller.user.id);
  }

  /** @param except the id of the account whose own names do not count */
  async among(names: Names, except?: string): Promise<FieldErrors> {
    const email = searchable(names.email);
    const username = searchable(names.username);
    if (email === null && username === null) return {};
    const values = { ...nameKeys({ email, username }), except: except ?? null, ...this.reuse };
    const rows = await sameNames(this.em, values);
    const errors: FieldErrors = {};
    if (rows.some((row) => row.email)) errors["email"] = [FieldError.of("EMAIL_TAKEN")];
    if (rows.some((row) => row.username)) errors["username"] = [FieldError.of("USERNAME_TAKEN")];
    return errors;
  }

  /**
   * Writes names. Of two writes that pass the checks at once the database refuses one by its unique index.
   * @throws InvalidInput when another account took a name meanwhile
   */
  async guard<T>(names: Names, except: string | undefined, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const taken = await this.among(names, except);
      throw Object.keys(taken).length > 0 ? new InvalidInput(taken) : error;
    }
  }
}

/** Whether the response may reveal one of these names as taken by another account. */
export function asksForName({ email, username }: Names, { user }: Caller): boolean {
  return (
    (email != null && normalizeEmail(email) !== user.email) ||
    (username != null && username !== user.username)
  );
}

/** UTF-16 units of 255 characters at most. */
const longestName = 510;

/** No account has a name that is too long, or holds what PostgreSQL cannot keep: NUL and lone surrogates. */
function searchable(name: string | null | undefined): string | null {
  if (name == null || name.length > longestName || name.includes("\0") || !name.isWellFormed()) return null;
  return name;
}
