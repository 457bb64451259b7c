import type { Results } from "./results.ts";
import { figure, median, ratios, withSpread } from "./statistics.ts";
import type { Verdict } from "./verdicts.ts";

/** Rows of cells; the first row is the head. */
export interface Table {
  title: string;
  rows: string[][];
}

/** Everything but the verdicts. */
export function tables({ samples, costs, flood, starts, memory }: Results): Table[] {
  return [
    {
      title: "Load",
      rows: [
        ["", "requests/s", "p50 ms", "p99 ms", "CPU ms/request", "CPU, constant field = 1"],
        ...[...samples].map(([name, all]) => [
          name,
          ...(["requestsPerSecond", "p50", "p99", "cpuTime"] as const).map((metric) =>
            withSpread(all.map((sample) => sample[metric])),
          ),
          figure(median(ratios(samples, name, "constant field", "cpuTime"))),
        ]),
      ],
    },
    {
      title: "PostgreSQL",
      rows: [
        ["", "queries", "round trips"],
        ...[...costs].map(([name, { queries, roundTrips }]) => [name, String(queries), String(roundTrips)]),
      ],
    },
    {
      title: "Besides",
      rows: [
        ["", "bare server", "gateway"],
        ["start to first answer, ms", withSpread(starts.bare), withSpread(starts.gateway)],
        ["resident after 100,000 requests", megabytes(memory.bare), megabytes(memory.gateway)],
        ["", "quiet", `beside ${figure(median(flood.loginsPerSecond))} logins/s`],
        ["`me` p99 at 200/s, ms", withSpread(flood.quiet), withSpread(flood.flooded)],
      ],
    },
  ];
}

/** One line for each aim. */
export function verdictTable(verdicts: Verdict[]): Table {
  const words = { true: "reached", false: "NOT REACHED", undefined: "open" };
  return {
    title: "Verdicts",
    rows: [
      ["", "", "median (lowest to highest)", "aim"],
      ...verdicts.map(({ what, figure: value, aim, reached }) => [words[`${reached}`], what, value, aim]),
    ],
  };
}

/** For a terminal: columns as wide as they must be. */
export function asText({ title, rows }: Table): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${title}\n${lines.join("\n")}`;
}

export function asMarkdown({ title, rows: [head = [], ...rows] }: Table): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [`## ${title}`, "", ...lines].join("\n");
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
