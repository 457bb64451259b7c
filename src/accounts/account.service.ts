import type { EntityManager } from "@mikro-orm/postgresql";
import { ServiceUnavailable } from "../errors.ts";
import { recordEvents } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import { addressBlock } from "../security/address-block.ts";
import { normalizeEmail } from "../security/email-address.ts";
import type { HashPlace } from "../security/hash-slots.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import type { AuthPayload } from "../sessions/auth-payload.type.ts";
import type { Caller } from "../sessions/caller.ts";
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
import { newAccount } from "./new-account.ts";
import { hashPassword, settledForm, verifyPassword } from "./stored-password.ts";
import type { StoredPassword } from "./stored-password.ts";
import { asksForName } from "./names/taken-names.ts";
import type { TakenNames } from "./names/taken-names.ts";
import { changeUser } from "./user-change.ts";
import type { UpdateUserPayload } from "./update-user-payload.type.ts";
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
    countAgainst(accountName(input));
    if (this.privateRegistration) return this.privateRegistration.register(input, client);
    const account = await newAccount(input, this.hasher, client.abandoned);
    // An account that cannot be made is an error, so there is always a session.
    return this.takenNames.guard(input, undefined, () =>
      this.sessions.open(signUp, { ...account, ...this.takenNames.reuse }, client),
    ) as Promise<AuthPayload>;
  }

  /** @throws InvalidInput when another account took a name meanwhile */
  async createSuperuser(input: RegisterInput, operator: EventOrigin): Promise<UserType> {
    const account = await newAccount(input, this.hasher);
    return this.takenNames.guard(input, undefined, () =>
      this.em.fork().transactional(async (em) => {
        const user = em.create(User, { ...account, isStaff: true, isSuperuser: true });
        await em.flush();
        await this.takenNames.claim(em, user.id, account);
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
      verifyPassword(this.hasher, user, input.password, client.abandoned, place),
    );
    if (user === null) return this.failures.refuse("UNKNOWN_ACCOUNT", undefined, client);
    if (!valid) return this.failures.refuse("WRONG_PASSWORD", user.id, client);
    if (!user.isActive) return this.failures.refuse("USER_DEACTIVATED", user.id, client);
    const password = needsRehash
      ? await this.rehash(user, input.password)
      : settledForm(user, input.password);
    const { id: userId, passwordHash: seenHash } = user;
    return this.sessions.open(signIn, { userId, seenHash, ...password }, client);
  }

  /**
   * Changes what is given, all or nothing. A new password ends every session, and opens one in place of the caller's.
   * @throws InvalidInput or Unauthenticated where a name was taken or the session ended meanwhile; TooManyRequests
   */
  async updateUser(input: UpdateUserInput, caller: Caller, client: Client): Promise<UpdateUserPayload> {
    const { password, currentPassword: _checked, ...fields } = input;
    // In a count of its own, so that a thief who changes the profile cannot keep the owner from it.
    this.throttle.writes?.chargeChange(
      password === undefined ? caller.user.id : `password ${caller.user.id}`,
    );
    if (fields.email !== undefined) fields.email = normalizeEmail(fields.email);
    const changes: Partial<User> = fields;
    if (password !== undefined)
      Object.assign(changes, await hashPassword(this.hasher, password, client.abandoned));
    return this.takenNames.guard(input, caller.user.id, () =>
      this.em.fork().transactional(async (em) => {
        const user = await changeUser(em, changes, caller, client);
        if (asksForName(fields, caller)) await this.takenNames.claim(em, user.id, fields);
        if (password === undefined) return { user: forOwner(user, caller.sessionId), session: null };
        const session = await this.sessions.replaceAll(em, user.id, client);
        return { user: session.user, session };
      }),
    );
  }

  /** The next sign-in will do where the hasher is busy: the password was right, so this one must not fail. */
  private rehash(user: SignInUser, password: string): Promise<StoredPassword> {
    return hashPassword(this.hasher, password).catch((error: unknown) => {
      if (error instanceof ServiceUnavailable) return settledForm(user, password);
      throw error;
    });
  }
}
