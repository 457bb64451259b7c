import type { EntityManager } from "@mikro-orm/postgresql";
import type { FieldErrors } from "../errors.ts";
import { namedStatement } from "../named-statement.ts";
import type { Caller } from "../sessions/caller.ts";
import { normalizeEmail } from "../security/email-address.ts";
import { isSameName } from "./name-forms.ts";
import { isReservedName } from "./released-names.ts";
import type { NameReuse } from "./released-names.ts";

export interface Names {
  email?: string | null;
  username?: string | null;
}

interface SameNamesValues extends Record<keyof Names, string | null>, NameReuse {
  except: string | null;
}

const hasEmail = isSameName.email("email", ":email");
const hasUsername = isSameName.username("username", ":username");

const sameNames = namedStatement<Record<keyof Names, boolean | null>, SameNamesValues>({
  name: "same-names",
  text: `
  select ${hasEmail} as email, ${hasUsername} as username from users
  where (${hasEmail} or ${hasUsername}) and id is distinct from cast(:except as uuid)
  union all
  select kind = 'email', kind = 'username' from released_names where ${isReservedName}`,
});

const claim = "select gatehouse_claim_names(cast(:userId as uuid), :email, :username, :nameReuseAfter)";

/** Which of some names belong to another account, or did so until lately. */
export class TakenNames {
  private readonly em: EntityManager;
  private readonly isSecret: boolean;
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
  async claim(em: EntityManager, userId: string, { email, username }: Names): Promise<void> {
    const names = { email: email ?? null, username: username ?? null };
    await em.execute(claim, { userId, ...names, ...this.reuse });
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
    const rows = await sameNames(this.em, { email, username, except: except ?? null, ...this.reuse });
    const errors: FieldErrors = {};
    for (const name of ["email", "username"] as const)
      if (rows.some((row) => row[name])) errors[name] = [`user with this ${name} already exists.`];
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
