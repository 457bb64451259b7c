import { v7 } from "uuid";
import { normalizeEmail } from "../security/email-address.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import type { RegisterInput } from "./account.inputs.ts";

/** What is written of a new account. */
export interface NewAccount {
  id: string;
  email: string;
  username: string;
  passwordHash: string;
  bio: string | null;
  fullName: string | null;
  birthDate: string | null;
}

/** @param abandoned once it is aborted, nothing is hashed any more */
export async function newAccount(
  { email, username, password, bio = null, fullName = null, birthDate = null }: RegisterInput,
  hasher: PasswordHasher,
  abandoned?: AbortSignal,
): Promise<NewAccount> {
  const passwordHash = await hasher.hash(password, abandoned);
  return { id: v7(), email: normalizeEmail(email), username, passwordHash, bio, fullName, birthDate };
}
