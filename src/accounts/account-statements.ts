import { namedStatement } from "../named-statement.ts";
import { userColumns } from "../sessions/session-row.ts";
import { opening, openingFor } from "../sessions/session-statements.ts";
import type { OpenedRow, OpeningValues } from "../sessions/session-statements.ts";
import type { NewAccount } from "./new-account.ts";
import { claimNames } from "./released-names.ts";
import type { NameReuse } from "./released-names.ts";

export const signUp = namedStatement<OpenedRow, NewAccount & NameReuse & OpeningValues>({
  name: "sign-up",
  text: openingFor(
    `insert into users as u (id, email, username, password_hash, bio, full_name, birth_date)
    values (:id, :email, :username, :passwordHash, :bio, :fullName, :birthDate)
    returning ${userColumns}, ${claimNames}`,
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
