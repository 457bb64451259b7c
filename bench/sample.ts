import type { Child } from "./child.ts";

/** Something whose cost is measured. */
export interface Contender {
  name: string;
  child: Child;
  /** Has `amount` requests answered, and rests when it is done. */
  run: (amount: number) => Promise<Run>;
}

export interface Run {
  /** Milliseconds, one for each request. */
  latencies: number[];
  seconds: number;
  failures: number;
}

/** Requests per second, milliseconds from request to answer, and milliseconds of processor time per request. */
export type Sample = Record<"requestsPerSecond" | "p50" | "p99" | "cpuTime", number>;

export class RequestsFailed extends Error {}

/** @throws RequestsFailed when a single answer was not the expected one */
export async function sample({ name, child, run }: Contender, amount: number): Promise<Sample> {
  const cpuBefore = await child.cpuTime();
  const { latencies, seconds, failures } = await run(amount);
  const cpuAfter = await child.cpuTime();
  if (failures > 0) throw new RequestsFailed(`${name}: ${failures} of ${amount} requests failed`);
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    requestsPerSecond: amount / seconds,
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    cpuTime: (cpuAfter - cpuBefore) / amount,
  };
}

/** Warms a contender up, for a second or more. @returns how many requests then take so many seconds */
export async function warmUp(contender: Contender, seconds: number): Promise<number> {
  for (let amount = 16; ; amount *= 2) {
    const { requestsPerSecond } = await sample(contender, amount);
    if (amount / requestsPerSecond >= 1) return Math.max(16, Math.round(requestsPerSecond * seconds));
  }
}

/** By nearest rank. */
function percentile(sorted: number[], percent: number): number {
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
}
