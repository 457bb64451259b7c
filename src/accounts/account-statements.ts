import { namedStatement } from "../database/named-statement.ts";
import { userColumns } from "../sessions/session-row.ts";
import { opening, openingFor } from "../sessions/session-statements.ts";
import type { OpenedRow, OpeningValues } from "../sessions/session-statements.ts";
import type { NewAccount } from "./new-account.ts";
import { claimNames } from "./names/released-names.ts";
import type { NameReuse } from "./names/released-names.ts";
import type { StoredPassword } from "./stored-password.ts";

export const signUp = namedStatement<OpenedRow, NewAccount & NameReuse & OpeningValues>({
  name: "sign-up",
  text: openingFor(
    `insert into users as u (id, email, email_key, username, username_key, password_hash, password_form, bio, full_name, birth_date)
    values (:id, :email, :emailKey, :username, :usernameKey, :passwordHash, :passwordForm,
      :bio, :fullName, :birthDate)
    returning ${userColumns}, ${claimNames}`,
    "SIGNED_UP",
  ),
});

interface SignInValues extends OpeningValues, StoredPassword {
  userId: string;
  seenHash: string;
}

// A password that was changed, or an account deactivated, since it was looked at must not open a session.
export const signIn = namedStatement<OpenedRow, SignInValues>({
  name: "sign-in",
  text: opening(
    `update users u set password_hash = :passwordHash, password_form = :passwordForm, last_login_at = now()
    where u.id = :userId and u.password_hash = :seenHash and u.is_active`,
  ),
});
