import { isDeepStrictEqual } from "node:util";
import { HashInterrupted, ServiceUnavailable } from "../errors.ts";
import type { Charge } from "./attempt-limit.ts";
import { chargesOf, keepAll, rowsOf, tryAll } from "./charges.ts";
import type { Tried } from "./charges.ts";
import type { Whose } from "./limits.ts";
import type { Throttle } from "./throttle.service.ts";

/** The account that is tried, or an unknown name, and whether the address is known to it. */
export interface TriedAccount {
  readonly account: string;
  /** The account has been signed in to from this address, so attempts from other addresses do not count. */
  readonly isKnownPlace: boolean;
}

/** One try at a password: charged before it is hashed, given back when it was right or never came to be hashed. */
export class PasswordAttempt {
  private readonly throttle: Throttle;
  private readonly address: string;
  private readonly ofAddress: Whose[];
  private charges: Charge[] = [];
  /** Charged before it was known to whom it belongs. */
  private ahead: Tried[] = [];
  private charging: Promise<void> | undefined;
  private strikes: string[] = [];
  private givenBack: Promise<void> = Promise.resolve();

  /**
   * @param address an address group
   * @param ofAddress what is charged for it
   */
  constructor(throttle: Throttle, address: string, ofAddress: Whose[]) {
    this.throttle = throttle;
    this.address = address;
    this.ofAddress = ofAddress;
  }

  /**
   * Charges the address and, at the same time, the account that is meant if a guess is right. Only the address is refused
   * by it: of what is guessed `chargeAccount` has the say.
   * @throws TooManyRequests or ServiceUnavailable, as do the others
   */
  async chargeAddress(guess?: TriedAccount): Promise<void> {
    this.charging = this.chargeAddressWith(guess ? this.chargedFor(guess) : []);
    await this.charging;
  }

  /** Where the guess was right, this has been done by it. Else what was charged to another is given back. */
  async chargeAccount(tried: TriedAccount): Promise<void> {
    await this.chargeAll(this.chargedFor(tried));
  }

  /** Of who is signed in: strangers cannot use it up, and the thief of a token cannot begin anew elsewhere. */
  async chargeAddressAndSession(account: string, sessionId: string): Promise<void> {
    const charged: Whose[] = [
      ["accountAndAddress", [account, this.address]],
      ["accountAndSession", [account, sessionId]],
    ];
    await this.chargeAddressWith(charged);
    await this.chargeAll(charged);
  }

  /** Gives all back, once it is charged: the try comes to nothing. */
  async forgo(): Promise<void> {
    await this.charging?.catch(() => {});
    const charges = [...this.charges, ...chargesOf(this.ahead)];
    [this.charges, this.ahead] = [[], []];
    await this.throttle.giveBack(rowsOf(charges));
  }

  /** Runs the check that was paid for. What is given back goes back beside what follows: see `settled`. */
  async check<Result extends { valid: boolean }>(verify: () => Promise<Result>): Promise<Result> {
    let result: Result;
    try {
      result = await verify();
    } catch (error) {
      // What else goes wrong may do so for wrong passwords alone.
      const wasHashed = !(error instanceof ServiceUnavailable) || error instanceof HashInterrupted;
      if (!wasHashed) await this.throttle.giveBack(rowsOf(this.charges));
      throw error;
    }
    if (result.valid) this.givenBack = this.throttle.giveBack([...rowsOf(this.charges), ...this.strikes]);
    this.charges = [];
    this.strikes = [];
    return result;
  }

  /** Resolves when what is given back is. */
  settled(): Promise<void> {
    return this.givenBack;
  }

  /** A success makes shorter what it was charged to, and nothing else: the owner's does not help strangers. */
  private strikesOf(charged: Whose[]): string[] {
    return charged.flatMap(([kind, whose]) => this.throttle.strikesOf(kind, whose));
  }

  private chargedFor({ account, isKnownPlace }: TriedAccount): Whose[] {
    const charged: Whose[] = [["accountAndAddress", [account, this.address]]];
    return isKnownPlace ? charged : [...charged, ["account", [account]]];
  }

  private async chargeAddressWith(others: Whose[]): Promise<void> {
    const all = await tryAll(this.throttle, [...this.ofAddress, ...others]);
    const ahead = all.slice(this.ofAddress.length);
    await this.keep(all.slice(0, this.ofAddress.length)).catch(async (refusal: unknown) => {
      await this.giveBack(ahead);
      throw refusal;
    });
    this.ahead = ahead;
  }

  /** All at once, but for what was charged ahead. */
  private async chargeAll(charged: Whose[]): Promise<void> {
    const right = this.ahead.filter((tried) =>
      charged.some((whose) => isDeepStrictEqual(tried.whose, whose)),
    );
    const missing = charged.filter((whose) => !right.some((tried) => isDeepStrictEqual(tried.whose, whose)));
    const wrong = this.ahead.filter((tried) => !right.includes(tried));
    this.ahead = [];
    const [late] = await Promise.all([tryAll(this.throttle, missing), this.giveBack(wrong)]);
    await this.keep([...right, ...late]);
    this.strikes = this.strikesOf(charged);
  }

  private async keep(all: Tried[]): Promise<void> {
    this.charges.push(...(await keepAll(this.throttle, all)));
  }

  private giveBack(all: Tried[]): Promise<void> {
    return this.throttle.giveBack(rowsOf(chargesOf(all)));
  }
}
