import type { EntityManager } from "@mikro-orm/postgresql";
import { createHmac, createSecretKey, hkdfSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Logger } from "pino";
import { ServiceUnavailable, TooManyRequests } from "../errors.ts";
import type { Unauthenticated } from "../errors.ts";
import { addressBlock } from "../security/address-block.ts";
import { signedPartOf } from "../verify/token-form.ts";
import type { Charge } from "./attempt-limit.ts";
import { AttemptStore } from "./attempt-store.ts";
import { keepAll, rowsOf, tryAll } from "./charges.ts";
import { chargedFor, limitsOf } from "./limits.ts";
import type { Limits, ThrottleSettings, Whose } from "./limits.ts";
import { PasswordAttempt } from "./password-attempt.ts";
import { WriteLimits } from "./write-limits.ts";

/** Seconds until clients should retry after the database did not answer. */
const retryAfter = 5;

/**
 * Counts attempts in the database, so that all replicas count together and no restart forgets. Every method throws
 * TooManyRequests where a count is used up, and ServiceUnavailable while the database cannot count.
 */
export class Throttle {
  private readonly limits: Limits | undefined;
  /** Limits on the writes of signed-in callers. Undefined: nothing is counted. */
  readonly writes: WriteLimits | undefined;
  private readonly secret: KeyObject;
  private readonly store: AttemptStore;
  private readonly logger: Pick<Logger, "warn">;

  /**
   * @param settings undefined: nothing is counted or refused
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

  /** Begins a password attempt from an address. After a refusal, the next ones are refused for a moment without a query. */
  passwordAttempt(ip: string): PasswordAttempt {
    const charged = chargedFor("address", ip);
    this.refuseAgain(charged);
    return new PasswordAttempt(this, addressBlock(ip), charged);
  }

  /**
   * Charges a form that creates an account or requests a name.
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
   * Gives back the charges of a form that created no account and reported no taken name. The response still reveals that
   * a name is free, so such forms have a count of their own, and keep their charge beyond ten times the limit.
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
   * Charges a failed refresh. A token that is not ours is charged to the address. One of ours is charged to itself, so
   * that clients behind the same address do not share its limit. All spellings of its signature count as one token.
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

  /** Decrements each of the rows. A failure is only logged, so that it does not refuse a right password. */
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

  /** Keyed, so that the table reveals no name or address and cannot be used to test a guess. */
  private digest(whose: readonly string[]): string {
    return createHmac("sha256", this.secret).update(JSON.stringify(whose)).digest("base64url").slice(0, 22);
  }
}
