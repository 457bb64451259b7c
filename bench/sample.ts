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

/** By the name of the contender, one sample for each round. */
export type Samples = Map<string, Sample[]>;

/** Measures contenders in turn, and counts the requests that were not answered rightly. */
export class Sampler {
  /** By the name of the contender. */
  readonly failures = new Map<string, number>();

  /** @returns each contender's samples, one for each round */
  async measure(contenders: Contender[], rounds: number, seconds: number): Promise<Samples> {
    const amounts = new Map<Contender, number>();
    for (const contender of contenders) {
      process.stderr.write(`warming up: ${contender.name}\n`);
      amounts.set(contender, await this.warmUp(contender, seconds));
    }
    const samples: Samples = new Map(contenders.map(({ name }) => [name, []]));
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`round ${round} of ${rounds}\n`);
      for (const [contender, amount] of amounts)
        samples.get(contender.name)?.push(await this.sample(contender, amount));
    }
    return samples;
  }

  async sample({ name, child, run }: Contender, amount: number): Promise<Sample> {
    const cpuBefore = await child.cpuTime();
    const { latencies, seconds, failures } = await run(amount);
    const cpuAfter = await child.cpuTime();
    this.count(name, failures);
    const answered = amount - failures;
    return {
      requestsPerSecond: answered / seconds,
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
      cpuTime: (cpuAfter - cpuBefore) / answered,
    };
  }

  count(name: string, failures: number): void {
    if (failures > 0) this.failures.set(name, (this.failures.get(name) ?? 0) + failures);
  }

  /** Warms a contender up, for a second or more. @returns how many requests then take so many seconds */
  async warmUp(contender: Contender, seconds: number): Promise<number> {
    for (let amount = 64; ; amount *= 2) {
      const { requestsPerSecond } = await this.sample(contender, amount);
      if (!(requestsPerSecond > 0)) throw new Error(`${contender.name}: nothing was answered rightly`);
      if (amount / requestsPerSecond >= 1) return Math.max(64, Math.round(requestsPerSecond * seconds));
    }
  }
}

/** By nearest rank; NaN of none. */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
}
