/** What happens to accounts, and what it means. The words in capitals are causes. */
export const accountEvents = {
  SIGNED_UP: "The account was created.",
  SIGN_UP_FAILED: "With REGISTRATION_PRIVACY, a registration used the email of this account: NAME_TAKEN.",
  SIGNED_IN: "A session began, by the password or with the sign-up.",
  SIGN_IN_FAILED:
    "A sign-in was refused: WRONG_PASSWORD, USER_DEACTIVATED, ACCOUNT_CHANGED (meanwhile) or, noted about once an hour, TOO_MANY_ATTEMPTS.",
  TOKEN_REFRESHED:
    "A refresh token was exchanged for a new pair, noted once in five minutes for a session and an address. REPEATED: a spent one, within REFRESH_GRACE, for the present pair. RETRIED: a spent one, later, whose answer was never used.",
  REFRESH_FAILED:
    "A refresh was refused: TOKEN_REVOKED, TOKEN_EXPIRED, USER_DEACTIVATED or USER_NOT_FOUND. Noted about once an hour.",
  REFRESH_REUSED:
    "A token was used that may be stolen, so its session ended: a spent refresh token whose answer had been used, or a token of an answer that a retry had superseded.",
  SIGNED_OUT: "A session ended by a sign-out. Of several that end at once, each has its event.",
  SESSION_REVOKED:
    "A session ended otherwise before its time: BY_USER, PASSWORD_CHANGED, TOO_MANY_SESSIONS, USER_DEACTIVATED, BY_OPERATOR or DELETED.",
  PASSWORD_CHECK_FAILED: "The current password that a change requires was wrong.",
  PASSWORD_CHANGED: "The account got another password.",
  EMAIL_CHANGED: "The account got another e-mail address.",
  USERNAME_CHANGED: "The account got another username.",
  ACCOUNT_DEACTIVATED: "The account was deactivated and cannot be signed in to.",
  ACCOUNT_REACTIVATED: "The account can be signed in to again.",
  ACCOUNT_DELETED: "The account was deleted.",
  RIGHTS_CHANGED: "The account's rights were changed: NOW_STAFF, NOW_SUPERUSER or NOW_NONE.",
  SUPERUSER_CREATED: "An operator created the account, with every right.",
} as const;

/** What happens to the service itself. */
export const serviceEvents = {
  KEY_ADDED: "A key was published that signs tokens, now or next.",
  KEY_RETIRED: "A key signs no more. SUPERSEDED: in its time.",
  KEY_SEALED_AGAIN: "A key was encrypted with the present ENCRYPTION_KEY.",
  SHELL_OPENED: "An operator opened a prompt in which everything can be done.",
} as const;

/** The values of `auth_events.type`. */
export type EventType = keyof typeof accountEvents | keyof typeof serviceEvents;

export type EventOutcome = "success" | "failure";

/** Whoever uses a command or SQL is an operator. */
export type EventActor = "user" | "operator" | "system";
