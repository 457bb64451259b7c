import type { CallerError } from "../errors.ts";
import type { Charge } from "./attempt-limit.ts";
import type { Whose } from "./limits.ts";
import type { Throttle } from "./throttle.service.ts";

/** The outcome of one of several charges. */
export interface Tried {
  whose: Whose;
  outcome: PromiseSettledResult<Charge | undefined>;
}

/** Milliseconds before its end from which nothing is given back to a count: it could reach the next one. */
const margin = 1_000;

/** Charges all at the same time. */
export async function tryAll(throttle: Throttle, all: Whose[]): Promise<Tried[]> {
  const outcomes = await Promise.allSettled(all.map(([kind, whose]) => throttle.charge(kind, whose)));
  return outcomes.map((outcome, index) => ({ whose: all[index] as Whose, outcome }));
}

/**
 * Keeps what was charged. If one is refused, the others are given back, because the operation does not run.
 * @throws the refusal with the longest wait
 */
export async function keepAll(throttle: Throttle, all: Tried[]): Promise<Charge[]> {
  const refusals = all.flatMap(({ outcome }) =>
    outcome.status === "rejected" ? [outcome.reason as CallerError] : [],
  );
  const [refusal] = refusals.toSorted((a, b) => waitOf(b) - waitOf(a));
  if (refusal === undefined) return chargesOf(all);
  await throttle.giveBack(rowsOf(chargesOf(all)));
  throw refusal;
}

export function chargesOf(all: Tried[]): Charge[] {
  return all.flatMap(({ outcome }) =>
    outcome.status === "fulfilled" && outcome.value !== undefined ? [outcome.value] : [],
  );
}

/** The rows of which something can still be given back. */
export function rowsOf(charges: Charge[]): string[] {
  return charges.filter(({ until }) => Date.now() < until - margin).flatMap(({ rows }) => rows);
}

function waitOf({ details }: CallerError): number {
  return Number(details["retryAfter"] ?? 0);
}
