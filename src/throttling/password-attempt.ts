import { ServiceUnavailable } from "../errors.ts";
import type { CallerError } from "../errors.ts";
import type { Charge } from "./attempt-limit.ts";
import type { Limits, Throttle } from "./throttle.service.ts";

type Whose = readonly [keyof Limits, readonly string[]];

/** Milliseconds before its end from which nothing is given back to a count: it could reach the next one. */
const margin = 1_000;

/** One try at a password: charged before it is hashed, given back when it was right or never came to be hashed. */
export class PasswordAttempt {
  private readonly throttle: Throttle;
  private readonly address: string;
  private charges: Charge[] = [];
  private strikes: string[] = [];
  private givenBack: Promise<void> = Promise.resolve();

  /** @param address an address group */
  constructor(throttle: Throttle, address: string) {
    this.throttle = throttle;
    this.address = address;
  }

  /** @throws TooManyRequests or ServiceUnavailable, as do the others */
  async chargeAddress(): Promise<void> {
    await this.charge([["address", [this.address]]]);
  }

  /**
   * @param account what stands for the account, or for the name that nobody has
   * @param isKnown whether somebody has signed in to it from the address: then what other addresses do counts for nothing
   */
  async chargeAccount(account: string, isKnown: boolean): Promise<void> {
    const charged: Whose[] = [["accountAndAddress", [account, this.address]]];
    if (!isKnown) charged.push(["account", [account]]);
    await this.charge(charged);
    this.strikes = this.strikesOf(charged);
  }

  /** Of who is signed in: strangers cannot use it up, and the thief of a token cannot begin anew elsewhere. */
  async chargeSession(account: string, sessionId: string): Promise<void> {
    const charged: Whose[] = [
      ["accountAndAddress", [account, this.address]],
      ["accountAndSession", [account, sessionId]],
    ];
    await this.charge(charged);
    this.strikes = this.strikesOf(charged);
  }

  /** Runs the check that was paid for. What is given back goes back beside what follows: see `settled`. */
  async check<Result extends { valid: boolean }>(verify: () => Promise<Result>): Promise<Result> {
    let result: Result;
    try {
      result = await verify();
    } catch (error) {
      // What else goes wrong may do so for wrong passwords alone.
      if (error instanceof ServiceUnavailable) await this.throttle.giveBack(rowsOf(this.charges));
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

  /** All at once. Where one is refused the rest are given back: an account does not pay for what was not tried on it. */
  private async charge(all: Whose[]): Promise<void> {
    const outcomes = await Promise.allSettled(all.map(([kind, whose]) => this.throttle.charge(kind, whose)));
    const charges = outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" && outcome.value !== undefined ? [outcome.value] : [],
    );
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason as CallerError] : [],
    );
    const [refusal] = refusals.toSorted((a, b) => waitOf(b) - waitOf(a));
    if (refusal === undefined) return void this.charges.push(...charges);
    await this.throttle.giveBack(rowsOf(charges));
    throw refusal;
  }
}

function rowsOf(charges: Charge[]): string[] {
  return charges.filter(({ until }) => Date.now() < until - margin).flatMap(({ rows }) => rows);
}

function waitOf({ details }: CallerError): number {
  return Number(details["retryAfter"] ?? 0);
}
