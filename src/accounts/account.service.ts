import { LockMode, UniqueConstraintViolationException } from "@mikro-orm/core";
import type { EntityManager } from "@mikro-orm/postgresql";
import { InvalidInput, ServiceUnavailable, Unauthenticated } from "../errors.ts";
import { recordEvents } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import { addressBlock } from "../security/address-block.ts";
import { normalizeEmail } from "../security/email-address.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import type { AuthPayload } from "../sessions/auth-payload.type.ts";
import type { Caller } from "../sessions/caller.ts";
import { Session } from "../sessions/session.entity.ts";
import { revokeSessions } from "../sessions/session-revocation.ts";
import type { SessionService } from "../sessions/session.service.ts";
import type { PasswordAttempt } from "../throttling/password-attempt.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import type { LoginInput, RegisterInput, UpdateUserInput } from "./account.inputs.ts";
import type { PrivateRegistration } from "./private-registration.ts";
import { SignInFailures } from "./sign-in-failures.ts";
import { SignInLookup } from "./sign-in-lookup.ts";
import { credentialEvents } from "./credential-events.ts";
import type { Names, TakenNames } from "./taken-names.ts";
import { User } from "./user.entity.ts";
import { forOwner } from "./user-visibility.ts";
import type { UserType } from "./user.type.ts";

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
    if (this.privateRegistration) return this.privateRegistration.register(input, client);
    const open = (em: EntityManager, user: User) => this.sessions.open(em, user, client, { signedUp: true });
    return this.createUser(input, {}, open, client.abandoned);
  }

  /** @throws InvalidInput when another account took a name meanwhile */
  async createSuperuser(input: RegisterInput, operator: EventOrigin): Promise<UserType> {
    return this.createUser(input, { isStaff: true, isSuperuser: true }, async (em, user) => {
      await recordEvents(em, { types: ["SUPERUSER_CREATED"], userId: user.id, actor: "operator" }, operator);
      return user;
    });
  }

  /**
   * An unknown account costs the same hashing as a wrong password and gets the same answer.
   * @throws InvalidInput under `error`; TooManyRequests, before anything is hashed, after too many wrong passwords
   */
  async login(input: LoginInput, client: Client): Promise<AuthPayload> {
    this.hasher.checkRoom();
    const attempt = this.throttle.passwordAttempt(client.ip);
    const [{ user, account, isKnownPlace }] = await Promise.all([
      this.lookup.find(input, client.ip),
      attempt
        .chargeAddress()
        .catch((error: unknown) => this.failures.throwOn(error, addressBlock(client.ip), undefined, client)),
    ]);
    await attempt
      .chargeAccount(account, isKnownPlace)
      .catch((error: unknown) => this.failures.throwOn(error, account, user?.id, client));
    const signIn =
      (await this.tryLogin(user, input, client, attempt)) ??
      // The hash may be made anew by a sign-in at the same time; the second look sees it.
      (await this.tryLogin((await this.lookup.find(input, client.ip)).user, input, client, attempt));
    await attempt.settled();
    if (signIn === undefined) return this.failures.refuse("ACCOUNT_CHANGED", undefined, client);
    return signIn;
  }

  /** Undefined when the account was changed between the look at it and the sign-in. */
  private async tryLogin(
    user: User | null,
    input: LoginInput,
    client: Client,
    attempt: PasswordAttempt,
  ): Promise<AuthPayload | undefined> {
    const { valid, needsRehash } = await attempt.check(() =>
      this.hasher.verify(user?.passwordHash ?? null, input.password, client.abandoned),
    );
    if (user === null) return this.failures.refuse("UNKNOWN_ACCOUNT", undefined, client);
    if (!valid) return this.failures.refuse("WRONG_PASSWORD", user.id, client);
    if (!user.isActive) return this.failures.refuse("USER_DEACTIVATED", user.id, client);
    const passwordHash = needsRehash ? await this.rehash(user, input.password) : user.passwordHash;
    return this.em.fork().transactional(async (em) => {
      // A password that was changed, or an account deactivated, since we looked must not open a session.
      const signedIn = await em.nativeUpdate(
        User,
        { id: user.id, passwordHash: user.passwordHash, isActive: true },
        { passwordHash, lastLoginAt: new Date() },
      );
      return signedIn === 0 ? undefined : this.sessions.open(em, user, client);
    });
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

  private async createUser<T>(
    { password, email, ...rest }: RegisterInput,
    rights: { isStaff?: true; isSuperuser?: true },
    andThen: (em: EntityManager, user: User) => Promise<T>,
    abandoned?: AbortSignal,
  ): Promise<T> {
    const passwordHash = await this.hasher.hash(password, abandoned);
    return this.orNameTaken({ email, username: rest.username }, undefined, () =>
      this.em.fork().transactional(async (em) => {
        const user = em.create(User, { ...rest, ...rights, email: normalizeEmail(email), passwordHash });
        await em.flush();
        return andThen(em, user);
      }),
    );
  }

  /** The next sign-in will do where the hasher is busy: the password was right, so this one must not fail. */
  private rehash(user: User, password: string): Promise<string> {
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
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      const taken = await this.takenNames.among(names, except);
      throw Object.keys(taken).length > 0 ? new InvalidInput(taken) : error;
    }
  }
}
