import { LockMode } from "@mikro-orm/core";
import type { EntityManager } from "@mikro-orm/postgresql";
import { InvalidInput, ServiceUnavailable, Unauthenticated } from "../errors.ts";
import { recordEvents } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import { addressBlock } from "../security/address-block.ts";
import { normalizeEmail } from "../security/email-address.ts";
import type { HashPlace } from "../security/hash-slots.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import type { AuthPayload } from "../sessions/auth-payload.type.ts";
import type { Caller } from "../sessions/caller.ts";
import { Session } from "../sessions/session.entity.ts";
import { revokeSessions } from "../sessions/session-revocation.ts";
import type { SessionService } from "../sessions/session.service.ts";
import { accountName, countAgainst } from "../shares/current-caller.ts";
import type { PasswordAttempt } from "../throttling/password-attempt.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import type { LoginInput, RegisterInput, UpdateUserInput } from "./account.inputs.ts";
import { signIn, signUp } from "./account-statements.ts";
import type { PrivateRegistration } from "./private-registration.ts";
import { SignInFailures } from "./sign-in-failures.ts";
import { SignInLookup } from "./sign-in-lookup.ts";
import type { SignInUser } from "./sign-in-lookup.ts";
import { credentialEvents } from "./credential-events.ts";
import { newAccount } from "./new-account.ts";
import type { Names, TakenNames } from "./taken-names.ts";
import { User } from "./user.entity.ts";
import { forOwner } from "./user-visibility.ts";
import type { UserType } from "./user.type.ts";

/** Appendix A of PostgreSQL's manual. */
const uniqueViolation = "23505";

/** Accounts: making one, signing in to it, changing it. Its inputs have passed the rules of account.inputs.ts. */
export class AccountService {
  private readonly em: EntityManager;
  private readonly hasher: PasswordHasher;
  private readonly sessions: SessionService;
  private readonly takenNames: TakenNames;
  private readonly throttle: Throttle;
  private readonly privateRegistration: PrivateRegistration | undefined;
  private readonly lookup: SignInLookup;
  private readonly failures: SignInFailures;

  /** @param privateRegistration given where it is a secret who has an account */
  constructor(
    em: EntityManager,
    hasher: PasswordHasher,
    sessions: SessionService,
    takenNames: TakenNames,
    throttle: Throttle,
    privateRegistration?: PrivateRegistration,
  ) {
    this.em = em;
    this.hasher = hasher;
    this.sessions = sessions;
    this.takenNames = takenNames;
    this.throttle = throttle;
    this.lookup = new SignInLookup(em);
    this.failures = new SignInFailures(em);
    this.privateRegistration = privateRegistration;
  }

  /** @throws InvalidInput when another account took a name meanwhile; SignInRequired, with privacy, in any case */
  async register(input: RegisterInput, client: Client): Promise<AuthPayload> {
    countAgainst(accountName(input));
    if (this.privateRegistration) return this.privateRegistration.register(input, client);
    const account = await newAccount(input, this.hasher, client.abandoned);
    // An account that cannot be made is an error, so there is always a session.
    return this.orNameTaken(input, undefined, () =>
      this.sessions.open(signUp, account, client),
    ) as Promise<AuthPayload>;
  }

  /** @throws InvalidInput when another account took a name meanwhile */
  async createSuperuser(input: RegisterInput, operator: EventOrigin): Promise<UserType> {
    const account = await newAccount(input, this.hasher);
    return this.orNameTaken(input, undefined, () =>
      this.em.fork().transactional(async (em) => {
        const user = em.create(User, { ...account, isStaff: true, isSuperuser: true });
        await em.flush();
        const made = { types: ["SUPERUSER_CREATED"], userId: user.id, actor: "operator" } as const;
        await recordEvents(em, made, operator);
        return user;
      }),
    );
  }

  /**
   * An unknown account costs the same hashing as a wrong password and gets the same answer.
   * @throws InvalidInput under `error`; TooManyRequests, before anything is hashed, after too many wrong passwords
   */
  async login(input: LoginInput, client: Client): Promise<AuthPayload> {
    countAgainst(accountName(input));
    // Who was refused a moment ago takes no place.
    const attempt = this.throttle.passwordAttempt(client.ip);
    const errand = (place: HashPlace) => this.loginAt(place, attempt, input, client);
    return this.hasher.keepPlace(errand, client.abandoned);
  }

  private async loginAt(
    place: HashPlace,
    attempt: PasswordAttempt,
    input: LoginInput,
    client: Client,
  ): Promise<AuthPayload> {
    // The guess is charged beside the look that shows whether it is right.
    const [subject] = await Promise.all([
      this.lookup.find(input, client.ip).catch(async (error: unknown) => {
        await attempt.forgo();
        throw error;
      }),
      attempt
        .chargeAddress(this.lookup.guess(input, client.ip))
        .catch((error: unknown) => this.failures.throwOn(error, addressBlock(client.ip), undefined, client)),
    ]);
    const { user, account } = subject;
    await attempt
      .chargeAccount(subject)
      .catch((error: unknown) => this.failures.throwOn(error, account, user?.id, client));
    const payload =
      (await this.tryLogin(user, input, client, attempt, place)) ??
      // The hash may be made anew by a sign-in at the same time; the second look sees it.
      (await this.tryLogin((await this.lookup.find(input, client.ip)).user, input, client, attempt));
    await attempt.settled();
    if (payload === undefined) return this.failures.refuse("ACCOUNT_CHANGED", undefined, client);
    return payload;
  }

  /** Undefined when the account was changed between the look at it and the sign-in. */
  private async tryLogin(
    user: SignInUser | null,
    input: LoginInput,
    client: Client,
    attempt: PasswordAttempt,
    place?: HashPlace,
  ): Promise<AuthPayload | undefined> {
    const { valid, needsRehash } = await attempt.check(() =>
      this.hasher.verify(user?.passwordHash ?? null, input.password, client.abandoned, place),
    );
    if (user === null) return this.failures.refuse("UNKNOWN_ACCOUNT", undefined, client);
    if (!valid) return this.failures.refuse("WRONG_PASSWORD", user.id, client);
    if (!user.isActive) return this.failures.refuse("USER_DEACTIVATED", user.id, client);
    const passwordHash = needsRehash ? await this.rehash(user, input.password) : user.passwordHash;
    return this.sessions.open(signIn, { userId: user.id, seenHash: user.passwordHash, passwordHash }, client);
  }

  /**
   * Changes what is given, all or nothing. A new password ends every other session before this answers.
   * @throws InvalidInput when another account took a name meanwhile; Unauthenticated when the session ended meanwhile
   */
  async updateUser(input: UpdateUserInput, caller: Caller, client: Client): Promise<UserType> {
    const { password, currentPassword: _checked, ...fields } = input;
    if (fields.email !== undefined) fields.email = normalizeEmail(fields.email);
    const changes: Partial<User> = fields;
    if (password !== undefined) changes.passwordHash = await this.hasher.hash(password, client.abandoned);

    const subject = { userId: caller.user.id, sessionId: caller.sessionId };
    return this.orNameTaken(input, caller.user.id, () =>
      this.em.fork().transactional(async (em) => {
        // The user's row is locked first, so that of two password changes the later one finds its session ended.
        const user = await em.findOne(User, subject.userId, { lockMode: LockMode.PESSIMISTIC_WRITE });
        if (user === null) throw new Unauthenticated("USER_NOT_FOUND");
        if (!user.isActive) throw new Unauthenticated("USER_DEACTIVATED");
        const alive = { id: subject.sessionId, revokedAt: null, expiresAt: { $gt: new Date() } };
        if ((await em.findOne(Session, alive)) === null) throw new Unauthenticated("TOKEN_REVOKED");
        const types = credentialEvents(user, changes);
        em.assign(user, changes);
        await em.flush();
        if (types.length > 0) await recordEvents(em, { types, ...subject }, client);
        if (password !== undefined) await revokeSessions(em, subject, "OTHERS", "password_changed", client);
        return forOwner(user, subject.sessionId);
      }),
    );
  }

  /** The next sign-in will do where the hasher is busy: the password was right, so this one must not fail. */
  private rehash(user: SignInUser, password: string): Promise<string> {
    return this.hasher.hash(password).catch((error: unknown) => {
      if (error instanceof ServiceUnavailable) return user.passwordHash;
      throw error;
    });
  }

  /** The database has the last word on uniqueness: of two that pass the checks at once, one is refused by its index. */
  private async orNameTaken<T>(
    names: Names,
    except: string | undefined,
    write: () => Promise<T>,
  ): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (Object(error).code !== uniqueViolation) throw error;
      const taken = await this.takenNames.among(names, except);
      throw Object.keys(taken).length > 0 ? new InvalidInput(taken) : error;
    }
  }
}
