import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startField } from "./contenders.ts";
import { startPostgres } from "./postgres.ts";
import { writeResult } from "./results.ts";
import { Sampler } from "./sample.ts";
import type { CleanUp } from "./undo.ts";

/** Functions that are printed. */
const most = 25;

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds, one for each sample. */
  timeDeltas: number[];
}

/** Profiles the server of a contender, once it is warm, and prints where its time goes. @param name as in the table of `npm run bench` */
export async function profile(cleanUp: CleanUp, name: string, seconds: number): Promise<void> {
  const { contenders } = await startField(cleanUp, await startPostgres(cleanUp));
  const contender = contenders.find((each) => each.name === name);
  if (!contender)
    throw new Error(`--profile takes one of: ${contenders.map((each) => each.name).join("; ")}`);
  const { child } = contender;
  const sampler = new Sampler();
  const amount = await sampler.warmUp(contender, seconds);
  await child.ask("profile-start");
  const { cpuTime } = await sampler.sample(contender, amount);
  const path = await writeResult(`${name.replaceAll(/\W+/g, "-")}.cpuprofile`, "");
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  await child.ask(`profile-stop ${file}`);

  const times = selfTimes(JSON.parse(await readFile(file, "utf8")) as CpuProfile);
  process.stdout.write(
    `${name}: ${amount} requests, ${(cpuTime * 1000).toFixed(0)} µs of CPU each. The main thread's time, where it is spent:\n`,
  );
  for (const [place, microseconds] of times.slice(0, most))
    process.stdout.write(`${(microseconds / amount).toFixed(1).padStart(8)} µs/request  ${place}\n`);
  process.stdout.write(`written: ${path}; open it in the Performance panel of Chrome's DevTools\n`);
}

/** By function, the longest first. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): [string, number][] {
  const project = new URL("..", import.meta.url).href;
  const places = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const file = url.replace(project, "").replace(/^.*node_modules\//, "");
      return [id, `${functionName || "(anonymous)"}  ${file && `${file}:${lineNumber + 1}`}`];
    }),
  );
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const place = places.get(id) ?? "";
    // The profiler's own.
    if (place.includes("node:inspector")) continue;
    times.set(place, (times.get(place) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return [...times].toSorted(([, a], [, b]) => b - a);
}
