import { v7 } from "uuid";
import { normalizeEmail } from "../security/email-address.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import { emailKey } from "../text/email-key.ts";
import { usernameKey } from "../text/username-key.ts";
import type { RegisterInput } from "./account.inputs.ts";
import { hashPassword } from "./stored-password.ts";
import type { StoredPassword } from "./stored-password.ts";

/** What is written of a new account. */
export interface NewAccount extends StoredPassword {
  id: string;
  email: string;
  emailKey: string;
  username: string;
  usernameKey: string;
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
  const storedPassword = await hashPassword(hasher, password, abandoned);
  return {
    id: v7(),
    email: normalizeEmail(email),
    emailKey: emailKey(email),
    username,
    usernameKey: usernameKey(username),
    ...storedPassword,
    bio,
    fullName,
    birthDate,
  };
}
