import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "../src/embedded-postgres/postmaster-launch.ts";
import { send } from "./attack/steady-load.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import { meQuery } from "./contenders.ts";
import { launchGateway, onDatabase } from "./gateway.ts";
import type { GraphqlRequest } from "./load.ts";
import type { CleanUp } from "./undo.ts";

/** Milliseconds between two tries. */
const pause = 2;

/** Milliseconds from start to the first right answer, round by round. */
export interface StartTimes {
  bare: number[];
  gateway: number[];
}

/** Starts the bare server, then a gateway on a migrated database, and so on. Nothing is preloaded into either. */
export async function measureStarts(rounds: number, databaseUrl: string, token: string): Promise<StartTimes> {
  const times: StartTimes = { bare: [], gateway: [] };
  for (let round = 0; round < rounds; round++) {
    times.bare.push(await undone((cleanUp) => startBare(cleanUp)));
    times.gateway.push(await undone((cleanUp) => startOurs(cleanUp, databaseUrl, token)));
  }
  return times;
}

async function startBare(cleanUp: CleanUp): Promise<number> {
  const port = await findFreePort();
  const start = performance.now();
  const child = startChild("bench/dist/bare-apollo.js", [String(port)], {}, { bare: true });
  cleanUp.push(() => child.stop());
  return untilAnswered(start, `http://127.0.0.1:${port}/graphql`, { query: "{ constant }" }, child);
}

async function startOurs(cleanUp: CleanUp, databaseUrl: string, token: string): Promise<number> {
  const start = performance.now();
  const { gateway } = await launchGateway(cleanUp, onDatabase(databaseUrl), { bare: true });
  return untilAnswered(start, gateway.url, { query: meQuery, token }, gateway.child);
}

async function untilAnswered(
  start: number,
  url: string,
  request: GraphqlRequest,
  child: Child,
): Promise<number> {
  while ((await send(url, request)).code !== "OK") await Promise.race([delay(pause), child.ended]);
  return performance.now() - start;
}

async function undone(work: (cleanUp: CleanUp) => Promise<number>): Promise<number> {
  const cleanUp: CleanUp = [];
  try {
    return await work(cleanUp);
  } finally {
    for (const undo of cleanUp.toReversed()) await undo();
  }
}
