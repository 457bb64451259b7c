import type { EntityManager } from "@mikro-orm/postgresql";
import { createHmac, createSecretKey, hkdfSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Logger } from "pino";
import { ServiceUnavailable, TooManyRequests } from "../errors.ts";
import type { Unauthenticated } from "../errors.ts";
import { addressBlock, addressBlocks } from "../security/address-block.ts";
import { signedPartOf } from "../verify/token-form.ts";
import { AttemptLimit, times } from "./attempt-limit.ts";
import type { Allowance, Charge } from "./attempt-limit.ts";
import { AttemptStore } from "./attempt-store.ts";
import { keepAll, rowsOf, tryAll } from "./charges.ts";
import type { Whose } from "./charges.ts";
import { PasswordAttempt } from "./password-attempt.ts";
import { WriteLimits } from "./write-limits.ts";

export interface ThrottleSettings {
  /** Wrong passwords for one account from one address. */
  password: Allowance;
  /** Wrong passwords for one account from all addresses that have not signed in to it before. */
  account: Allowance;
  /** Wrong passwords from one address; refresh tokens that were none, in a count of their own. */
  address: Allowance;
  /** Registrations from one address. */
  registration: Allowance;
  /** Refreshes of one session. */
  refresh: Allowance;
  /** Changes of one account. */
  update: Allowance;
}

/** Counted by address, and in a second count by the wider network of an IPv6 address. */
type ByAddress = "address" | "registration" | "otherForms" | "refresh";

/** What is counted, each by its own keys. */
export type Limits = Record<
  ByAddress | `${ByAddress}Network` | "accountAndAddress" | "accountAndSession" | "account",
  AttemptLimit
>;

/** How many forms that make no account and are told of no taken name count as little as one that is. */
const otherFormsPerRegistration = 10;

/** How many times what one address may, a /48 may: it has 65,536 of them, and may be one site's or that of many phones. */
const networkFactor = 10;

/** Seconds after which it is worth while to ask a database again that did not answer. */
const retryAfter = 5;

/**
 * Counts attempts in the database, so that all replicas count together and no restart forgets. Every method throws
 * TooManyRequests where a count is used up, and ServiceUnavailable where nobody can count.
 */
export class Throttle {
  private readonly limits: Limits | undefined;
  /** Of what signed-in callers write. Undefined: nothing is counted. */
  readonly writes: WriteLimits | undefined;
  private readonly secret: KeyObject;
  private readonly store: AttemptStore;
  private readonly logger: Pick<Logger, "warn">;

  /**
   * @param settings undefined: nothing is counted and nobody refused
   * @param secrets the same on every replica
   */
  constructor(
    em: EntityManager,
    settings: ThrottleSettings | undefined,
    secrets: { jwtSecret: string | undefined; encryptionKeys: readonly string[] },
    logger: Pick<Logger, "warn">,
  ) {
    this.store = new AttemptStore(em);
    this.limits = settings && limitsOf(settings, this.store);
    this.writes = settings && new WriteLimits(settings);
    const secret = secrets.jwtSecret ?? secrets.encryptionKeys[0] ?? "";
    // As bytes it would be made into a key for each digest, which costs five times the digest.
    this.secret = createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", "gatehouse attempts v1", 32)));
    this.logger = logger;
  }

  /** For a try at a password from there. Where one was refused a moment ago the next is, without a query. */
  passwordAttempt(ip: string): PasswordAttempt {
    const charged = chargedFor("address", ip);
    this.refuseAgain(charged);
    return new PasswordAttempt(this, addressBlock(ip), charged);
  }

  /**
   * Charges a form that makes an account or asks for a name.
   * @param findTaken runs at the same time, unless a charge was refused a moment ago
   * @returns what it found, and the charge; a refused caller gets neither
   */
  async registration<Taken>(
    ip: string,
    findTaken: () => Promise<Taken>,
  ): Promise<{ taken: Taken; charges: Charge[] }> {
    const charged = chargedFor("registration", ip);
    this.refuseAgain(charged);
    const [taken, charges] = await Promise.all([findTaken(), this.chargeAll(charged)]);
    return { taken, charges };
  }

  /**
   * Gives back the charges of a form that made no account and was told of no name that is taken. Its answer still tells
   * that a name is free, so such forms are counted as well, and keep their charge beyond ten times the limit.
   */
  async forgoRegistration(ip: string, charges: Charge[]): Promise<void> {
    if (charges.length === 0) return;
    try {
      await this.chargeAll(chargedFor("otherForms", ip));
    } catch (error) {
      if (error instanceof TooManyRequests) return;
      throw error;
    }
    await this.giveBack(rowsOf(charges));
  }

  /** Before anything is done for a refresh token: refuses one that was refused a moment ago, without a query. */
  refuseSpentRefresh(refreshToken: string): void {
    this.limits?.refresh.refuseAgain(this.digest([signedPartOf(refreshToken)]));
  }

  /**
   * Charges a refresh that has failed. What is no token of ours is charged to its address; what is, to itself: nobody
   * behind the same address is told anything but why theirs failed. A token counts once, however its signature is written.
   */
  async failedRefresh(refreshToken: string, ip: string, { details }: Unauthenticated): Promise<void> {
    const isOurs = details.reason !== "TOKEN_INVALID";
    await this.chargeAll(isOurs ? [["refresh", [signedPartOf(refreshToken)]]] : chargedFor("refresh", ip));
  }

  /** Undefined when nothing is counted. */
  async charge(kind: keyof Limits, whose: readonly string[]): Promise<Charge | undefined> {
    try {
      return await this.limits?.[kind].charge(this.digest(whose));
    } catch (error) {
      if (error instanceof TooManyRequests) throw error;
      throw new ServiceUnavailable({ retryAfter, cause: error });
    }
  }

  /** One less in each of the rows. Whoever had the right password is not to suffer when that fails. */
  async giveBack(rows: string[]): Promise<void> {
    if (rows.length > 0)
      await this.store
        .giveBack(rows)
        .catch((error: unknown) => this.logger.warn({ err: error }, "attempts cannot be given back"));
  }

  /** The rows that make the next counts of an account longer. */
  strikesOf(kind: keyof Limits, whose: readonly string[]): string[] {
    return this.limits ? [this.limits[kind].strikesOf(this.digest(whose))] : [];
  }

  private refuseAgain(all: Whose[]): void {
    for (const [kind, whose] of all) this.limits?.[kind].refuseAgain(this.digest(whose));
  }

  private async chargeAll(all: Whose[]): Promise<Charge[]> {
    return keepAll(this, await tryAll(this, all));
  }

  /** Nobody who reads the table is to learn a name or an address from it, nor try whether it is a certain one. */
  private digest(whose: readonly string[]): string {
    return createHmac("sha256", this.secret).update(JSON.stringify(whose)).digest("base64url").slice(0, 22);
  }
}

/** An address, and with IPv6 its network: where one address has used up its count, its network pays no more for it. */
function chargedFor(kind: ByAddress, ip: string): Whose[] {
  const [widest, ...narrower] = addressBlocks(ip);
  const [address] = narrower;
  return address === undefined
    ? [[kind, [widest]]]
    : [
        [kind, [address]],
        [`${kind}Network`, [widest]],
      ];
}

function ofNetwork(allowance: Allowance): Allowance {
  return times(networkFactor, allowance);
}

function limitsOf(
  { password, account, address, registration }: ThrottleSettings,
  store: AttemptStore,
): Limits {
  const otherForms = times(otherFormsPerRegistration, registration);
  return {
    address: new AttemptLimit(store, "address", address),
    addressNetwork: new AttemptLimit(store, "address-network", ofNetwork(address)),
    accountAndAddress: new AttemptLimit(store, "account-and-address", password, true),
    accountAndSession: new AttemptLimit(store, "account-and-session", password, true),
    account: new AttemptLimit(store, "account", account, true),
    registration: new AttemptLimit(store, "registration", registration),
    registrationNetwork: new AttemptLimit(store, "registration-network", ofNetwork(registration)),
    otherForms: new AttemptLimit(store, "registration-forms", otherForms),
    otherFormsNetwork: new AttemptLimit(store, "registration-forms-network", ofNetwork(otherForms)),
    refresh: new AttemptLimit(store, "refresh", address),
    refreshNetwork: new AttemptLimit(store, "refresh-network", ofNetwork(address)),
  };
}
