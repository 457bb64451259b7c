import type { Logger } from "pino";
import type { FieldErrors } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import { isCommonPassword } from "../security/common-passwords.ts";
import { isMadeOf, withItsWords } from "../security/password-similarity.ts";
import type { PwnedPasswords } from "../security/pwned-passwords.ts";
import { newPasswordText } from "./account.rules.ts";
import { normalForm } from "./stored-password.ts";
import type { Names } from "./names/name-keys.ts";

/** What an account is known by. */
export interface OwnNames extends Names {
  fullName?: string | null | undefined;
}

const product = "gatehouse";

/** Refuses new passwords that are guessed first (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 6.2.4, 6.2.11, 6.2.12). */
export class PasswordRules {
  private readonly checks: boolean;
  private readonly pwned: PwnedPasswords | undefined;
  private readonly logger: Logger;

  /** @param checks whether common passwords, and those made of the user's names, are refused */
  constructor(checks: boolean, pwned: PwnedPasswords | undefined, logger: Logger) {
    this.checks = checks;
    this.pwned = pwned;
    this.logger = logger;
  }

  /** @param names those that the account will have */
  async check(password: string | null | undefined, names: OwnNames): Promise<FieldErrors> {
    // One that breaks the other rules is refused anyway, and can be as long as a request.
    if (password == null || newPasswordText.rules.some((rule) => rule(password) !== undefined)) return {};
    const faults = this.checks ? await guessable(password, names) : [];
    if (faults.length === 0 && (await this.isPwned(normalForm(password))))
      faults.push(FieldError.of("PASSWORD_BREACHED"));
    return faults.length > 0 ? { password: faults } : {};
  }

  /** A service that fails must not keep people from signing up; the operator must learn of it. */
  private async isPwned(password: string): Promise<boolean> {
    try {
      return (await this.pwned?.has(password)) ?? false;
    } catch (err) {
      this.logger.warn({ err }, "a password was not looked up: PWNED_PASSWORDS_URL gave no usable answer");
      return false;
    }
  }
}

async function guessable(password: string, { email, username, fullName }: OwnNames): Promise<FieldError[]> {
  const faults: FieldError[] = [];
  if (isMadeOf(password, partsOf(username))) faults.push(FieldError.of("PASSWORD_LIKE_USERNAME"));
  // The words of the domain are not the user's own.
  const local = email?.slice(0, email.lastIndexOf("@"));
  if (isMadeOf(password, [...partsOf(email).slice(0, 1), ...partsOf(local)]))
    faults.push(FieldError.of("PASSWORD_LIKE_EMAIL"));
  if (isMadeOf(password, partsOf(fullName))) faults.push(FieldError.of("PASSWORD_LIKE_FULL_NAME"));
  if (isMadeOf(password, [product]) || (await isCommonPassword(password)))
    faults.push(FieldError.of("PASSWORD_TOO_COMMON"));
  return faults;
}

/** UTF-16 units of 255 characters: a longer name is compared with nothing, as that would take long. */
const longestName = 510;

function partsOf(name: string | null | undefined): string[] {
  return name == null || name.length > longestName ? [] : withItsWords(name);
}
