/**
 * How the time of an operation grows with the number of users and sessions. Two databases are filled, one small and one
 * large; a gateway on each answers the same requests in turn, one at a time, and each takes so long as the median of all
 * rounds. Then PostgreSQL explains every statement of the hot operations on the large one. `npm run bench:scale`;
 * `-- --users 100000 --sessions 500000` takes less time and room.
 */
import { parseArgs } from "node:util";
import { plansOf, tablesReadThrough, tellPlans } from "../tests/support/plans.ts";
import { populatedTables } from "../tests/support/population.ts";
import type { PopulationSize } from "../tests/support/population.ts";
import { startPostgres } from "./postgres.ts";
import { asMarkdown, asText, verdictTable } from "./report.ts";
import type { Table } from "./report.ts";
import { writeResult } from "./results.ts";
import type { Scale } from "./results.ts";
import { Sampler } from "./sample.ts";
import type { Samples } from "./sample.ts";
import { scaledSettings, startScaled } from "./scaled-gateway.ts";
import type { ScaledGateway } from "./scaled-gateway.ts";
import { median, ratios, withSpread } from "./statistics.ts";
import { measureTrips } from "./trips.ts";
import { runAndUndo } from "./undo.ts";
import type { CleanUp } from "./undo.ts";
import { scaleVerdicts } from "./verdicts.ts";
import { describeVersions } from "./versions.ts";

const small: PopulationSize = { users: 1_000, sessions: 5_000 };
const rounds = 6;

/** A round of each operation: few, because a session that is asked for is cold once, and the small database has few. */
const requestsPerRound = 300;

async function measureGrowth(gateways: ScaledGateway[], sampler: Sampler): Promise<Samples> {
  const contenders = gateways.flatMap(({ contenders: all }) => all);
  const samples: Samples = new Map(contenders.map(({ name }) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    for (const contender of contenders) {
      const sample = await sampler.sample(contender, requestsPerRound);
      if (round > 0) samples.get(contender.name)?.push(sample);
    }
  }
  return samples;
}

async function explain(
  cleanUp: CleanUp,
  databaseUrl: string,
): Promise<Pick<Scale, "explained" | "readThrough">> {
  const plans = plansOf((await measureTrips(cleanUp, databaseUrl, scaledSettings)).notices);
  const readThrough = plans.filter((plan) =>
    tablesReadThrough(plan).some((table) => populatedTables.includes(table)),
  );
  const textsOf = (some: typeof plans) => [
    ...new Set(some.map(({ statement }) => statement.replaceAll(/\s+/g, " ").trim())),
  ];
  return { explained: textsOf(plans).length, readThrough: textsOf(readThrough) };
}

function sizeText({ users, sessions }: PopulationSize): string {
  return `${users.toLocaleString("en")} users, ${sessions.toLocaleString("en")} sessions`;
}

await runAndUndo(async (cleanUp) => {
  const { values } = parseArgs({
    options: {
      users: { type: "string", default: "1000000" },
      sessions: { type: "string", default: "5000000" },
    },
  });
  const large = { users: Number(values.users), sessions: Number(values.sessions) };
  if (!(large.users >= small.users && large.sessions >= small.sessions))
    throw new Error(`--users and --sessions take numbers from ${small.users} and ${small.sessions}`);

  const postgres = await startPostgres(cleanUp);
  const smallOne = await startScaled(cleanUp, postgres, "small", small);
  const largeOne = await startScaled(cleanUp, postgres, "large", large);
  const sampler = new Sampler();
  const samples = await measureGrowth([smallOne, largeOne], sampler);
  await postgres.query(tellPlans("large"));
  const explained = await explain(cleanUp, largeOne.databaseUrl);

  const growthOf = (name: string) => ratios(samples, `large ${name}`, `small ${name}`, "p50");
  const times = (size: string, name: string) =>
    withSpread((samples.get(`${size} ${name}`) ?? []).map(({ p50 }) => p50));
  const scale: Scale = {
    small: sizeText(small),
    large: sizeText(large),
    growth: Object.fromEntries(smallOne.operations.map((name) => [name, median(growthOf(name))])),
    ...explained,
  };
  const table: Table = {
    title: "Milliseconds from request to answer, one request at a time",
    rows: [
      ["", scale.small, scale.large, "growth"],
      ...smallOne.operations.map((name) => [
        name,
        times("small", name),
        times("large", name),
        withSpread(growthOf(name)),
      ]),
      ["start until ready", ...[smallOne, largeOne].map(({ startTime }) => startTime.toFixed(0)), ""],
    ],
  };
  const blocks = [table, verdictTable(scaleVerdicts(scale))];
  const version = await describeVersions();
  const failures = [...sampler.failures].map(
    ([name, count]) => `NOT ANSWERED RIGHTLY: ${name}, ${count} requests`,
  );
  const list = [...explained.readThrough, ...failures];
  process.stdout.write(`${[version, ...blocks.map(asText), ...list].join("\n\n")}\n\n`);
  const markdown = ["# Results of `npm run bench:scale`", version, ...blocks.map(asMarkdown), ...list];
  const written = [
    await writeResult("scale.md", `${markdown.join("\n\n")}\n`),
    await writeResult("scale.json", scale),
  ];
  process.stdout.write(`written: ${written.join(", ")}\n`);
  if (failures.length > 0) process.exitCode = 1;
});
