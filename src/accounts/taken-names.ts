import type { EntityManager } from "@mikro-orm/postgresql";
import type { FieldErrors } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import { namedStatement } from "../named-statement.ts";
import type { Caller } from "../sessions/caller.ts";
import { normalizeEmail } from "../security/email-address.ts";
import { isSameName } from "./name-forms.ts";

export interface Names {
  email?: string | null;
  username?: string | null;
}

interface SameNamesValues extends Record<keyof Names, string | null> {
  except: string | null;
}

const hasEmail = isSameName.email("email", ":email");
const hasUsername = isSameName.username("username", ":username");

const sameNames = namedStatement<Record<keyof Names, boolean | null>, SameNamesValues>({
  name: "same-names",
  text: `
  select ${hasEmail} as email, ${hasUsername} as username from users
  where (${hasEmail} or ${hasUsername}) and id is distinct from cast(:except as uuid)`,
});

/** Which of some names belong to another account. */
export class TakenNames {
  private readonly em: EntityManager;
  readonly isSecret: boolean;

  /** @param isSecret whether it is a secret who has an account */
  constructor(em: EntityManager, isSecret: boolean) {
    this.em = em;
    this.isSecret = isSecret;
  }

  /** What may be said before anything is written, which costs the asker nothing: of a secret nothing. */
  async toldBeforehand(names: Names, caller?: Caller): Promise<FieldErrors> {
    if (!this.isSecret) return this.among(names, caller?.user.id);
    return caller === undefined ? {} : this.among({ username: names.username ?? null }, caller.user.id);
  }

  /** @param except the id of the account whose own names do not count */
  async among(names: Names, except?: string): Promise<FieldErrors> {
    const email = searchable(names.email == null ? null : normalizeEmail(names.email));
    const username = searchable(names.username);
    if (email === null && username === null) return {};
    const rows = await sameNames(this.em, { email, username, except: except ?? null });
    const errors: FieldErrors = {};
    if (rows.some((row) => row.email)) errors["email"] = [FieldError.of("EMAIL_TAKEN")];
    if (rows.some((row) => row.username)) errors["username"] = [FieldError.of("USERNAME_TAKEN")];
    return errors;
  }
}

/** Whether a name is among them that the caller has not, of which the answer may tell that somebody has it. */
export function asksForName({ email, username }: Names, { user }: Caller): boolean {
  return (
    (email != null && normalizeEmail(email) !== user.email) ||
    (username != null && username !== user.username)
  );
}

/** UTF-16 units of 255 characters at most. Normalizing takes PostgreSQL time by the square of the length. */
const longestName = 510;

/** Nobody can have a name that is longer than a name may be, or has a NUL, which PostgreSQL cannot keep. */
function searchable(name: string | null | undefined): string | null {
  return name == null || name.length > longestName || name.includes("\0") ? null : name;
}
