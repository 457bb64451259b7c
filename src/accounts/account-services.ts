import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import { PwnedPasswords } from "../security/pwned-passwords.ts";
import type { SessionService } from "../sessions/session.service.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import { AccountResolver } from "./account.resolver.ts";
import { AccountService } from "./account.service.ts";
import { NameCheck } from "./names/name-check.ts";
import { PasswordRules } from "./password-rules.ts";
import { PrivateRegistration } from "./private-registration.ts";
import { Reauthentication } from "./reauthentication.ts";
import { TakenNames } from "./names/taken-names.ts";
import { UsernameRules } from "./names/username-rules.ts";

interface Foundations {
  em: EntityManager;
  hasher: PasswordHasher;
  sessions: SessionService;
  throttle: Throttle;
  logger: Logger;
}

/** What there is to accounts; `services` are those that rules and resolvers ask for by their class. */
export function accountServices(
  {
    passwordChecks,
    pwnedPasswordsUrl,
    reauthenticateAfter,
    registrationPrivacy,
    usernameRules,
    nameReuseAfter,
  }: Config,
  { em, hasher, sessions, throttle, logger }: Foundations,
): { accounts: AccountService; services: [unknown, unknown][] } {
  const takenNames = new TakenNames(em, registrationPrivacy, { nameReuseAfter });
  const pwnedPasswords = pwnedPasswordsUrl === undefined ? undefined : new PwnedPasswords(pwnedPasswordsUrl);
  const passwordRules = new PasswordRules(passwordChecks, pwnedPasswords, logger);
  const reauthentication = new Reauthentication(
    em,
    hasher,
    throttle,
    reauthenticateAfter,
    registrationPrivacy,
  );
  const privateRegistration = registrationPrivacy
    ? new PrivateRegistration(em, hasher, { nameReuseAfter })
    : undefined;
  const accounts = new AccountService(em, hasher, sessions, takenNames, throttle, privateRegistration);
  return {
    accounts,
    services: [
      [NameCheck, new NameCheck(takenNames, throttle)],
      [PasswordRules, passwordRules],
      [UsernameRules, new UsernameRules(usernameRules)],
      [Reauthentication, reauthentication],
      [AccountResolver, new AccountResolver(accounts)],
    ],
  };
}
