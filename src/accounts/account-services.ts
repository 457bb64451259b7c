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
import { repairNameKeysOnStart } from "./names/name-key-repair.ts";
import { PasswordRules } from "./password-rules.ts";
import { PrivateRegistration } from "./private-registration.ts";
import { Reauthentication } from "./reauthentication.ts";
import { StoredHashKinds } from "./stored-hash-kinds.ts";
import { TakenNames } from "./names/taken-names.ts";
import { UsernameRules } from "./names/username-rules.ts";

interface Foundations {
  em: EntityManager;
  hasher: PasswordHasher;
  sessions: SessionService;
  throttle: Throttle;
  logger: Logger;
}

/**
 * Makes the objects of this folder. Rules and resolvers find `services` by their class; `prepare` reads what the start of
 * the gateway needs, and never rejects.
 */
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
): { accounts: AccountService; services: [unknown, unknown][]; prepare: () => Promise<unknown> } {
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
    prepare: () =>
      Promise.all([new StoredHashKinds(em, hasher, logger).start(), repairNameKeysOnStart(em, logger)]),
    services: [
      [NameCheck, new NameCheck(takenNames, throttle)],
      [PasswordRules, passwordRules],
      [UsernameRules, new UsernameRules(usernameRules)],
      [Reauthentication, reauthentication],
      [AccountResolver, new AccountResolver(accounts)],
    ],
  };
}
