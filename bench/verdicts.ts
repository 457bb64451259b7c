import type { DatabaseCost } from "../tests/support/database-costs.ts";
import type { Results, Scale, Soak } from "./results.ts";
import { figure, median, ratios, withSpread } from "./statistics.ts";

export interface Verdict {
  what: string;
  figure: string;
  aim: string;
  /** Undefined where there is no figure yet. */
  reached: boolean | undefined;
}

/** What is reached of what we set out for. */
export function verdicts(results: Results): Verdict[] {
  const { samples, flood, starts, memory } = results;
  const floodRatios = flood.flooded.map((p99, round) => p99 / (flood.quiet[round] ?? NaN));
  const startRatios = starts.gateway.map((time, round) => time / (starts.bare[round] ?? NaN));
  const toConstant = (metric: "cpuTime" | "requestsPerSecond") =>
    ratios(samples, "me", "constant field", metric);
  const toConstantAt64 = (metric: "p99" | "requestsPerSecond") =>
    ratios(samples, "me, 64", "constant field, 64", metric);
  return [
    atMost(1.15, "`me` / constant field, CPU per request", toConstant("cpuTime")),
    atLeast(0.85, "`me` / constant field, requests/s at 16 connections", toConstant("requestsPerSecond")),
    atLeast(0.85, "`me` / constant field, requests/s at 64 connections", toConstantAt64("requestsPerSecond")),
    atMost(2, "`me` / constant field, p99 at 64 connections", toConstantAt64("p99")),
    count(0, "PostgreSQL queries per warm `me`", results.costs.get("me, warm")?.queries),
    atLeast(
      0.95,
      "`login` / @node-rs/argon2 alone, throughput",
      ratios(samples, "login", "argon2id alone", "requestsPerSecond"),
    ),
    atMost(2, "`me` while logins flood / quiet, p99", floodRatios),
    trips(1, "refreshToken", results.costs),
    trips(2, "login", results.costs),
    trips(2, "register", results.costs),
    atMost(1.8, "start to first answer / bare server's", startRatios),
    atMost(1.6, "resident memory after 100,000 requests / bare server's", [memory.gateway / memory.bare]),
    flatness(results.soak),
    ...scaleVerdicts(results.scale),
    ...["better-auth", "yoga", "naive"].flatMap((other) => [
      atMost(1, `\`me\` / ${other}, CPU per request`, ratios(samples, "me", `${other} me`, "cpuTime")),
      // Level is what cannot be told apart on a machine that does other things, too.
      atLeast(
        0.95,
        `\`login\` / ${other}, throughput`,
        ratios(samples, "login", `${other} login`, "requestsPerSecond"),
      ),
    ]),
  ];
}

/** Of `bench:scale`. */
export function scaleVerdicts(scale: Scale | undefined): Verdict[] {
  return [growth(scale), indexes(scale)];
}

function atMost(limit: number, what: string, values: number[]): Verdict {
  return { what, figure: withSpread(values), aim: `at most ${limit}`, reached: median(values) <= limit };
}

function atLeast(limit: number, what: string, values: number[]): Verdict {
  return { what, figure: withSpread(values), aim: `at least ${limit}`, reached: median(values) >= limit };
}

function count(limit: number, what: string, value: number | undefined): Verdict {
  const aim = limit === 0 ? "0" : `at most ${limit}`;
  return { what, figure: figure(value), aim, reached: value !== undefined && value <= limit };
}

function trips(limit: number, operation: string, costs: Map<string, DatabaseCost>): Verdict {
  return count(limit, `round trips to PostgreSQL of \`${operation}\``, costs.get(operation)?.roundTrips);
}

/** A tenth more is what garbage collection makes of the same. */
function flatness(soak: Soak | undefined): Verdict {
  const what = "resident memory, end of a soak / its beginning";
  if (!soak) return unknown(what, "npm run bench -- --soak 600");
  const verdict = atMost(1.1, what, [soak.late / soak.early]);
  return { ...verdict, what: `${what} (${soak.seconds} s)` };
}

function growth(scale: Scale | undefined): Verdict {
  const what = "cold `me`, large / small database";
  if (!scale) return unknown(what, "npm run bench:scale");
  const verdict = atMost(1.1, what, [scale.growth["me, cold"] ?? NaN]);
  return { ...verdict, what: `${what} (${scale.large} / ${scale.small})` };
}

function indexes(scale: Scale | undefined): Verdict {
  const what = "statements that read a table through";
  if (!scale) return unknown(what, "npm run bench:scale");
  return count(0, `${what}, of ${scale.explained} explained`, scale.readThrough.length);
}

function unknown(what: string, command: string): Verdict {
  return { what, figure: "not measured", aim: `run ${command}`, reached: undefined };
}
