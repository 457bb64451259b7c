import type { Sample } from "./sample.ts";

type Metric = keyof Sample;

const columns: [Metric, string][] = [
  ["requestsPerSecond", "requests/s"],
  ["p50", "p50 ms"],
  ["p99", "p99 ms"],
  ["cpuTime", "CPU ms/request"],
];

/** One line for each contender: the median of all rounds, and the lowest and the highest round. */
export function formatFigures(results: Map<string, Sample[]>): string {
  const rows = [...results].map(([name, samples]) => [
    name,
    ...columns.map(([metric]) => withSpread(samples.map((sample) => sample[metric]))),
  ]);
  return [["", ...columns.map(([, title]) => title)], ...rows]
    .map(([name = "", ...cells]) => name.padEnd(16) + cells.map((cell) => cell.padStart(26)).join(""))
    .join("\n");
}

/**
 * One line for each metric: how many times the base. Each round is compared with the same round of the base, which
 * ran seconds apart, so what else the machine was doing then weighs on both.
 */
export function formatRatios(
  results: Map<string, Sample[]>,
  name: string,
  base: string,
  metrics: Metric[] = columns.map(([metric]) => metric),
): string {
  const samples = results.get(name) ?? [];
  const bases = results.get(base) ?? [];
  return columns
    .filter(([metric]) => metrics.includes(metric))
    .map(([metric, title]) => {
      const ratios = samples.map((sample, round) => sample[metric] / (bases[round]?.[metric] ?? NaN));
      return `${`${name} / ${base}`.padEnd(24)}${title.padEnd(16)}${withSpread(ratios)} times`;
    })
    .join("\n");
}

function withSpread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
  return `${figure(median)} (${figure(sorted[0])} to ${figure(sorted.at(-1))})`;
}

/** Three digits that count. */
function figure(value = NaN): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
