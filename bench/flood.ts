import { percentile, sendSteadily } from "./attack/steady-load.ts";
import type { Answer } from "./attack/steady-load.ts";
import { startChild } from "./child.ts";
import { connections, meQuery } from "./contenders.ts";
import type { Field } from "./contenders.ts";
import type { Sampler } from "./sample.ts";
import type { CleanUp } from "./undo.ts";

/** What an application asks, whatever else goes on. */
const mePerSecond = 200;

/** Milliseconds in which 99 of 100 `me` are answered, and sign-ins a second; round by round. */
export interface FloodFigures {
  quiet: number[];
  flooded: number[];
  loginsPerSecond: number[];
}

/** A steady `me`, without and with sixteen sign-ins at a time beside it. */
export async function measureFlood(
  cleanUp: CleanUp,
  { gateway, accounts, signingIn }: Pick<Field, "gateway" | "accounts" | "signingIn">,
  sampler: Sampler,
  rounds: number,
  seconds: number,
): Promise<FloodFigures> {
  const storm = startChild("bench/login-storm.ts", [gateway.url, JSON.stringify(signingIn)], {});
  cleanUp.push(() => storm.stop());
  const askMe = async () => {
    const answers = await sendSteadily(gateway.url, mePerSecond, seconds, (index) => {
      const { token = "" } = accounts[index % connections] ?? {};
      return { query: meQuery, token };
    });
    sampler.count("me beside logins", failuresOf(answers));
    return percentile(answers, 99);
  };

  const figures: FloodFigures = { quiet: [], flooded: [], loginsPerSecond: [] };
  await askMe();
  for (let round = 0; round < rounds; round++) {
    figures.quiet.push(await askMe());
    storm.tell("go");
    const start = performance.now();
    figures.flooded.push(await askMe());
    const { succeeded, failed } = await storm.ask<{ succeeded: number; failed: number }>("stop");
    figures.loginsPerSecond.push((succeeded * 1000) / (performance.now() - start));
    sampler.count("logins beside me", failed);
  }
  return figures;
}

function failuresOf(answers: Answer[]): number {
  return answers.filter(({ code }) => code !== "OK").length;
}
