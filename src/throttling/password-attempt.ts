import { isDeepStrictEqual } from "node:util";
import { HashInterrupted, ServiceUnavailable } from "../errors.ts";
import type { CallerError } from "../errors.ts";
import type { Charge } from "./attempt-limit.ts";
import type { Limits, Throttle } from "./throttle.service.ts";

type Whose = readonly [keyof Limits, readonly string[]];

/** What stands for the account that is tried, or for the name that nobody has, and whether it is from a known place. */
export interface TriedAccount {
  readonly account: string;
  /** Somebody has signed in to it from the address: then what other addresses do counts for nothing. */
  readonly isKnownPlace: boolean;
}

/** What came of a charge that others wait for. */
interface Tried {
  whose: Whose;
  outcome: PromiseSettledResult<Charge | undefined>;
}

/** Milliseconds before its end from which nothing is given back to a count: it could reach the next one. */
const margin = 1_000;

/** One try at a password: charged before it is hashed, given back when it was right or never came to be hashed. */
export class PasswordAttempt {
  private readonly throttle: Throttle;
  private readonly address: string;
  private charges: Charge[] = [];
  /** Charged before it was known to whom it belongs. */
  private ahead: Tried[] = [];
  private charging: Promise<void> | undefined;
  private strikes: string[] = [];
  private givenBack: Promise<void> = Promise.resolve();

  /** @param address an address group */
  constructor(throttle: Throttle, address: string) {
    this.throttle = throttle;
    this.address = address;
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
    const address: Whose = ["address", [this.address]];
    const [own, ...ahead] = (await this.tryAll([address, ...others])) as [Tried, ...Tried[]];
    await this.keep([own]).catch(async (refusal: unknown) => {
      await this.giveBack(ahead);
      throw refusal;
    });
    this.ahead = ahead;
  }

  /** All at once, but for what was charged ahead. */
  private async chargeAll(charged: Whose[]): Promise<void> {
    const isSame = ({ whose }: Tried, other: Whose) => isDeepStrictEqual(whose, other);
    const right = this.ahead.filter((tried) => charged.some((whose) => isSame(tried, whose)));
    const missing = charged.filter((whose) => !right.some((tried) => isSame(tried, whose)));
    const wrong = this.ahead.filter((tried) => !right.includes(tried));
    this.ahead = [];
    const [late] = await Promise.all([this.tryAll(missing), this.giveBack(wrong)]);
    await this.keep([...right, ...late]);
    this.strikes = this.strikesOf(charged);
  }

  private async tryAll(all: Whose[]): Promise<Tried[]> {
    const outcomes = await Promise.allSettled(all.map(([kind, whose]) => this.throttle.charge(kind, whose)));
    return outcomes.map((outcome, index) => ({ whose: all[index] as Whose, outcome }));
  }

  /** Where one is refused the rest are given back: an account does not pay for what was not tried on it. */
  private async keep(all: Tried[]): Promise<void> {
    const refusals = all.flatMap(({ outcome }) =>
      outcome.status === "rejected" ? [outcome.reason as CallerError] : [],
    );
    const [refusal] = refusals.toSorted((a, b) => waitOf(b) - waitOf(a));
    if (refusal === undefined) return void this.charges.push(...chargesOf(all));
    await this.giveBack(all);
    throw refusal;
  }

  private giveBack(all: Tried[]): Promise<void> {
    return this.throttle.giveBack(rowsOf(chargesOf(all)));
  }
}

function chargesOf(all: Tried[]): Charge[] {
  return all.flatMap(({ outcome }) =>
    outcome.status === "fulfilled" && outcome.value !== undefined ? [outcome.value] : [],
  );
}

/** The rows to which charges can be given back. */
export function rowsOf(charges: Charge[]): string[] {
  return charges.filter(({ until }) => Date.now() < until - margin).flatMap(({ rows }) => rows);
}

function waitOf({ details }: CallerError): number {
  return Number(details["retryAfter"] ?? 0);
}
