type Attempts<Name extends string> = Record<Name, () => Promise<unknown>>;

/**
 * Times attempts in turn, so that what slows the machine down meets all of them alike; each round begins with another,
 * so that none always has the same one before it.
 * @returns milliseconds, of each as many as there are rounds
 */
export async function timesOf<Name extends string>(
  attempts: Attempts<Name>,
  { rounds, warmUp = 5 }: { rounds: number; warmUp?: number },
): Promise<Record<Name, number[]>> {
  const names = Object.keys(attempts) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -warmUp; round < rounds; round += 1)
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + warmUp + turn) % names.length] as Name;
      const startedAt = performance.now();
      await attempts[name]();
      if (round >= 0) times[name].push(performance.now() - startedAt);
    }
  return times;
}

/**
 * How likely one of `some` took longer than one of `others`: 0.5 where the two cannot be told apart, 0 or 1 where each
 * time tells (Mann-Whitney's U over the number of pairs). Outliers count no more than any other time.
 */
export function chanceOfLonger(some: readonly number[], others: readonly number[]): number {
  let sum = 0;
  for (const one of some) for (const other of others) sum += one > other ? 1 : one === other ? 0.5 : 0;
  return sum / (some.length * others.length);
}
