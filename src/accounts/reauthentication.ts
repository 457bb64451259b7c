import type { EntityManager } from "@mikro-orm/postgresql";
import { clock } from "../timing/clock.ts";
import type { FieldErrors } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import { recordEvents } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import { normalizeEmail } from "../security/email-address.ts";
import type { HashPlace } from "../security/hash-slots.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import type { Caller } from "../sessions/caller.ts";
import type { PasswordAttempt } from "../throttling/password-attempt.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import { verifyPassword } from "./stored-password.ts";
import { User } from "./user.entity.ts";

interface CredentialChange {
  email?: string;
  username?: string;
  password?: string;
  currentPassword?: string | null;
}

/** Asks for the password again before what keeps an account safe is changed by a sign-in of long ago. */
export class Reauthentication {
  private readonly em: EntityManager;
  private readonly hasher: PasswordHasher;
  private readonly throttle: Throttle;
  private readonly reauthenticateAfter: number;
  private readonly emailsAreSecret: boolean;

  /**
   * @param reauthenticateAfter seconds for which a sign-in counts as fresh
   * @param emailsAreSecret whether a new email, as it tells whether another account has it, takes the password in any case
   */
  constructor(
    em: EntityManager,
    hasher: PasswordHasher,
    throttle: Throttle,
    reauthenticateAfter: number,
    emailsAreSecret: boolean,
  ) {
    this.em = em;
    this.hasher = hasher;
    this.throttle = throttle;
    this.reauthenticateAfter = reauthenticateAfter;
    this.emailsAreSecret = emailsAreSecret;
  }

  /**
   * Where email, username or password change, a current password that is given is verified even if the sign-in is fresh.
   * @throws TooManyRequests, before anything is hashed, after too many wrong passwords
   */
  async check(input: CredentialChange, caller: Caller, client: Client): Promise<FieldErrors> {
    const changesEmail = input.email !== undefined && normalizeEmail(input.email) !== caller.user.email;
    const changesUsername = input.username !== undefined && input.username !== caller.user.username;
    const changesOnlyUsername = changesUsername && !changesEmail && input.password === undefined;
    if (!changesEmail && !changesUsername && input.password === undefined) return {};
    if (input.currentPassword == null) {
      const age = (clock.now() - caller.authenticatedAt.getTime()) / 1000;
      const isFresh = age <= this.reauthenticateAfter;
      if (isFresh && !(changesEmail && this.emailsAreSecret)) return {};
      const code = changesOnlyUsername
        ? "CURRENT_PASSWORD_REQUIRED_FOR_USERNAME"
        : "CURRENT_PASSWORD_REQUIRED";
      return { currentPassword: [FieldError.of(code)] };
    }
    const { currentPassword } = input;
    // Who was refused a moment ago takes no place.
    const attempt = this.throttle.passwordAttempt(client.ip);
    const check = (place: HashPlace) => this.isRight(place, attempt, currentPassword, caller, client);
    if (await this.hasher.keepPlace(check, client.abandoned)) return {};
    const subject = { userId: caller.user.id, sessionId: caller.sessionId };
    const failure = { types: ["PASSWORD_CHECK_FAILED"], outcome: "failure", ...subject } as const;
    await recordEvents(this.em.fork(), failure, client);
    return { currentPassword: [FieldError.of("CURRENT_PASSWORD_INCORRECT")] };
  }

  private async isRight(
    place: HashPlace,
    attempt: PasswordAttempt,
    password: string,
    caller: Caller,
    client: Client,
  ): Promise<boolean> {
    const [user] = await Promise.all([
      this.em.fork().findOne(User, caller.user.id, { fields: ["passwordHash", "passwordForm"] }),
      attempt.chargeAddressAndSession(caller.user.id, caller.sessionId),
    ]);
    const { valid } = await attempt.check(() =>
      verifyPassword(this.hasher, user, password, client.abandoned, place),
    );
    await attempt.settled();
    return valid;
  }
}
