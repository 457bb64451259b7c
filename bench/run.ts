/**
 * What the gateway costs beside what it stands on. Four contenders, each server in a process of its own: a constant
 * field on bare Apollo Server and Fastify; `me` and `login` on the built gateway with an embedded PostgreSQL; and
 * argon2 verifying passwords at the gateway's own parameters, as many at once as the gateway allows itself. They take
 * turns, round after round, so that whatever else the machine does falls on all of them, and it is the ratios that
 * count: load generator, server and database share the machine, so absolute figures say little beyond it. CPU time is
 * user and system time of the server process with all its threads; PostgreSQL's is not in it.
 * `npm run bench -- --rounds 9 --seconds 5` measures longer. Any failed request fails the run.
 */
import { parseArgs } from "node:util";
import { connections, hashing, startContenders } from "./contenders.ts";
import { formatFigures, formatRatios } from "./report.ts";
import { sample, warmUp } from "./sample.ts";
import type { Contender, Sample } from "./sample.ts";
import { describeVersions } from "./versions.ts";

const cleanUp: (() => Promise<void>)[] = [];

/** Each contender's samples, one for each round. @throws RequestsFailed */
async function measure(contenders: Contender[], rounds: number, seconds: number) {
  const amounts = new Map<Contender, number>();
  for (const contender of contenders) {
    process.stderr.write(`warming up: ${contender.name}\n`);
    amounts.set(contender, await warmUp(contender, seconds));
  }
  const results = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    for (const [contender, amount] of amounts)
      results.get(contender.name)?.push(await sample(contender, amount));
  }
  return results;
}

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "3" } },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(rounds >= 1 && seconds > 0)) throw new Error("--rounds and --seconds take positive numbers");

  const results = await measure(await startContenders(cleanUp), rounds, seconds);
  const { memoryCost, timeCost, parallelism, atOnce } = hashing;
  const blocks = [
    `${await describeVersions()}\n` +
      `${connections} connections; argon2id m=${memoryCost} KiB, t=${timeCost}, p=${parallelism}, ${atOnce} at once\n` +
      `${rounds} interleaved rounds of about ${seconds} s each: median (lowest to highest round)`,
    formatFigures(results),
    formatRatios(results, "me", "constant field"),
    formatRatios(results, "login", "constant field"),
    formatRatios(results, "login", "raw argon2", ["requestsPerSecond", "cpuTime"]),
    "Base line, 1.00 times: a constant field on bare Apollo Server and Fastify; in the last block, a raw argon2 verification.",
  ];
  process.stdout.write(`${blocks.join("\n\n")}\n`);
}

let closing: Promise<void> | undefined;
/** Undoes what was done, last things first; a second call waits for the first. */
const close = () =>
  (closing ??= (async () => {
    for (const undo of cleanUp.toReversed()) await undo().catch(fail);
  })());
const fail = (error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ??= 1;
};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    process.exitCode = signal === "SIGINT" ? 130 : 143;
    void close().finally(() => process.exit());
  });

try {
  await bench();
} catch (error) {
  // What an interruption breaks off is no failure to tell of.
  if (!closing) fail(error);
} finally {
  await close();
}
