import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { DatabaseCost } from "../tests/support/database-costs.ts";
import type { FloodFigures } from "./flood.ts";
import type { Memory } from "./memory.ts";
import type { Samples } from "./sample.ts";
import type { StartTimes } from "./start-time.ts";

const directory = new URL("results/", import.meta.url);

/** All that one run has measured. */
export interface Results {
  /** What it was measured with, in lines. */
  setting: string[];
  samples: Samples;
  /** By contender: requests that were not answered rightly. */
  failures: Map<string, number>;
  flood: FloodFigures;
  costs: Map<string, DatabaseCost>;
  starts: StartTimes;
  memory: Memory;
  soak: Soak | undefined;
  scale: Scale | undefined;
}

/** Of the run with --soak. */
export interface Soak {
  seconds: number;
  /** Resident bytes in the second and in the last quarter of the time, medians. */
  early: number;
  late: number;
}

/** Of `bench:scale`. */
export interface Scale {
  small: string;
  large: string;
  /** By operation: how many times as long it takes at the large size. */
  growth: Record<string, number>;
  /** How many statements were explained, and which of them read a table through. */
  explained: number;
  readThrough: string[];
}

/** @param name of a file in bench/results/ @returns its path relative to the project */
export async function writeResult(name: string, content: string | object): Promise<string> {
  await mkdir(directory, { recursive: true });
  const text = typeof content === "string" ? content : `${JSON.stringify(content, mapsAsObjects, 2)}\n`;
  await writeFile(new URL(name, directory), text);
  return `bench/results/${name}`;
}

/** What another run has left; undefined where it has not been run. */
export async function readResult<Result>(name: string): Promise<Result | undefined> {
  const text = await readFile(new URL(name, directory), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Result);
}

function mapsAsObjects(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
