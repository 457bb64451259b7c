import type { Sample, Samples } from "./sample.ts";

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

export function medianOf(samples: Samples, name: string, metric: keyof Sample): number {
  return median((samples.get(name) ?? []).map((sample) => sample[metric]));
}

/**
 * How many times the base, round by round: each round is compared with the same round of the base, which ran seconds
 * apart, so what else the machine was doing then weighs on both.
 */
export function ratios(samples: Samples, name: string, base: string, metric: keyof Sample): number[] {
  const bases = samples.get(base) ?? [];
  return (samples.get(name) ?? []).map((sample, round) => sample[metric] / (bases[round]?.[metric] ?? NaN));
}

/** The median, with the lowest and the highest where there are several. */
export function withSpread(values: number[]): string {
  if (values.length < 2) return figure(values[0]);
  return `${figure(median(values))} (${figure(Math.min(...values))} to ${figure(Math.max(...values))})`;
}

/** Three digits that count. */
export function figure(value = NaN): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
