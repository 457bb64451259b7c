import type { HashPlace } from "../security/hash-slots.ts";
import type { PasswordHasher, Verification } from "../security/password-hasher.ts";

/** The columns that a password is kept in. */
export interface StoredPassword {
  passwordHash: string;
  /** Null where the hash was made of the password as typed. */
  passwordForm: string | null;
}

/** NIST SP 800-63B-4, 3.1.1.2: the same characters are the same password, however a keyboard encodes them. */
export function normalForm(password: string): string {
  return password.normalize("NFKC");
}

export async function hashPassword(
  hasher: PasswordHasher,
  password: string,
  abandoned?: AbortSignal,
): Promise<StoredPassword> {
  return ofNormalForm(await hasher.hash(normalForm(password), abandoned));
}

/** Verifies a password in the form that the stored hash was made of, with one hash; null for an unknown account. */
export function verifyPassword(
  hasher: PasswordHasher,
  stored: { passwordHash: string; passwordForm?: string | null | undefined } | null,
  password: string,
  abandoned: AbortSignal,
  place?: HashPlace,
): Promise<Verification> {
  const normal = normalForm(password);
  const given = stored?.passwordForm === markOf(stored?.passwordHash ?? "") ? normal : password;
  return hasher.verify(stored?.passwordHash ?? null, given, abandoned, place);
}

/** How to keep the hash of a password that was right: where typing made no difference, the hash is of the normal form. */
export function settledForm(stored: StoredPassword, password: string): StoredPassword {
  return password === normalForm(password) ? ofNormalForm(stored.passwordHash) : stored;
}

function ofNormalForm(passwordHash: string): StoredPassword {
  return { passwordHash, passwordForm: markOf(passwordHash) };
}

/**
 * Ends as the hash does: the previous release, which hashes passwords as typed, changes the hash without the mark, and the
 * mark does not hold for that one.
 */
function markOf(passwordHash: string): string {
  return `NFKC ${passwordHash.slice(-8)}`;
}
