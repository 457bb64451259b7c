import { namedStatement } from "../named-statement.ts";
import { opening } from "../sessions/session-statements.ts";
import type { OpenedRow, OpeningValues } from "../sessions/session-statements.ts";
import type { NewAccount } from "./new-account.ts";

export const signUp = namedStatement<OpenedRow, NewAccount & OpeningValues>({
  name: "sign-up",
  text: opening(
    `insert into users as u (id, email, username, password_hash, bio, full_name, birth_date)
    values (:id, :email, :username, :passwordHash, :bio, :fullName, :birthDate)`,
    "SIGNED_UP",
  ),
});

interface SignInValues extends OpeningValues {
  userId: string;
  seenHash: string;
  passwordHash: string;
}

// A password that was changed, or an account deactivated, since it was looked at must not open a session.
export const signIn = namedStatement<OpenedRow, SignInValues>({
  name: "sign-in",
  text: opening(
    `update users u set password_hash = :passwordHash, last_login_at = now()
    where u.id = :userId and u.password_hash = :seenHash and u.is_active`,
  ),
});
