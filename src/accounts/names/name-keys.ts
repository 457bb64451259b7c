import { normalizeEmail } from "../../security/email-address.ts";
import { emailKey } from "../../text/email-key.ts";
import { usernameKey } from "../../text/username-key.ts";

export interface Names {
  email?: string | null;
  username?: string | null;
}

/** The keys under which the account with some names may be stored; null for a name that is not given. */
export interface NameKeys {
  emailKey: string | null;
  emailAsTyped: string | null;
  usernameKey: string | null;
  usernameAsTyped: string | null;
}

/**
 * The key of an account whose folded key another account had first, or could not be computed in SQL: only its own
 * spelling finds it. No folded key begins like this, because folding leaves no capitals of the Latin alphabet.
 */
function keyAsTyped(name: string): string {
  return `TYPED ${name}`;
}

export function nameKeys({ email, username }: Names): NameKeys {
  const keptEmail = email == null ? null : normalizeEmail(email);
  return {
    emailKey: keptEmail === null ? null : emailKey(keptEmail),
    emailAsTyped: keptEmail === null ? null : keyAsTyped(keptEmail),
    usernameKey: username == null ? null : usernameKey(username),
    usernameAsTyped: username == null ? null : keyAsTyped(username),
  };
}

/** Of the names that change. One's own present name keeps its key, which may be that of its spelling. */
export function changedKeys(
  present: Required<Names>,
  { email = present.email, username = present.username }: Names,
): { emailKey?: string; usernameKey?: string } {
  return {
    ...(email != null && email !== present.email && { emailKey: emailKey(email) }),
    ...(username != null && username !== present.username && { usernameKey: usernameKey(username) }),
  };
}
