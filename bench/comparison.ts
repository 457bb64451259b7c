import { chart } from "./chart.ts";
import { connections, hashesAtOnce, hashing, startField } from "./contenders.ts";
import { measureFlood } from "./flood.ts";
import { measureMemory, requestsBeforeMemory } from "./memory.ts";
import { startPostgres } from "./postgres.ts";
import { asMarkdown, asText, tables, verdictTable } from "./report.ts";
import { readResult, writeResult } from "./results.ts";
import type { Results, Scale, Soak } from "./results.ts";
import { Sampler } from "./sample.ts";
import { measureStarts } from "./start-time.ts";
import { measureTrips } from "./trips.ts";
import type { CleanUp } from "./undo.ts";
import { verdicts } from "./verdicts.ts";
import { describeVersions } from "./versions.ts";

export interface ComparisonOptions {
  rounds: number;
  /** Of each contender in each round. */
  seconds: number;
}

/** The whole run: measures, prints, and writes what is kept to bench/results/. */
export async function compare(cleanUp: CleanUp, options: ComparisonOptions): Promise<void> {
  const results = await measureAll(cleanUp, options);
  const all = [...tables(results), verdictTable(verdicts(results))];
  const failures = [...results.failures].map(
    ([name, count]) => `NOT ANSWERED RIGHTLY: ${name}, ${count} requests`,
  );
  process.stdout.write(`${[results.setting.join("\n"), ...all.map(asText), ...failures].join("\n\n")}\n`);
  const written = await Promise.all([
    writeResult("results.json", { ...results, verdicts: verdicts(results) }),
    writeResult(
      "results.md",
      `${["# Results of `npm run bench`", ...results.setting, "![Chart](chart.svg)", ...all.map(asMarkdown), ...failures].join("\n\n")}\n`,
    ),
    writeResult("chart.svg", chart(results.samples)),
  ]);
  process.stdout.write(`\nwritten: ${written.join(", ")}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

async function measureAll(cleanUp: CleanUp, { rounds, seconds }: ComparisonOptions): Promise<Results> {
  const began = performance.now();
  const { memoryCost, timeCost, parallelism } = hashing;
  const postgres = await startPostgres(cleanUp);
  const field = await startField(cleanUp, postgres);
  const { databaseUrl, accounts } = field;
  const [account] = accounts;
  const sampler = new Sampler();
  const samples = await sampler.measure(field.contenders, rounds, seconds);
  process.stderr.write("logins beside me, starts, round trips\n");
  const flood = await measureFlood(cleanUp, field, sampler, rounds, seconds);
  const starts = await measureStarts(rounds, databaseUrl, account?.token ?? "");
  const { costs } = await measureTrips(cleanUp, databaseUrl);
  const memory = await measureMemory(cleanUp, databaseUrl, accounts, sampler, requestsBeforeMemory);
  return {
    setting: [
      await describeVersions(),
      `${connections} connections unless 64 are named; argon2id m=${memoryCost} KiB, t=${timeCost}, p=${parallelism}; ` +
        `alone ${hashesAtOnce} at once.`,
      `${rounds} interleaved rounds of about ${seconds} s each: median (lowest to highest round). ` +
        `${((performance.now() - began) / 60_000).toFixed(1)} minutes in all.`,
    ],
    samples,
    failures: sampler.failures,
    flood,
    costs,
    starts,
    memory,
    soak: await readResult<Soak>("soak.json"),
    scale: await readResult<Scale>("scale.json"),
  };
}
