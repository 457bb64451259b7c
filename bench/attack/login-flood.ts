/**
 * A flood of sign-ins at ten times what can be hashed, as if it came from a botnet (RATE_LIMIT=off): what becomes of
 * `me`, of memory, of the surplus, and how soon afterwards all is as before. The flood comes from a process of its own,
 * which shares the machine, and so does PostgreSQL. `npm run bench:build && node bench/attack/login-flood.ts --seconds 20`
 */
import { parseArgs } from "node:util";
import { startChild } from "../child.ts";
import { registerAccounts, startGateway } from "../gateway.ts";
import { percentile, send, sendSteadily } from "./steady-load.ts";
import type { Answer } from "./steady-load.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, times: { type: "string", default: "10" } },
});
const [seconds, times] = [Number(values.seconds), Number(values.times)];

/** What an application asks meanwhile. */
const mePerSecond = 50;

const cleanUp: (() => Promise<void>)[] = [];
const say = (text: string) => process.stdout.write(`${text}\n`);
const inMilliseconds = (answers: Answer[]) =>
  `p50 ${percentile(answers, 50).toFixed(1)}, p99 ${percentile(answers, 99).toFixed(1)}, ` +
  `longest ${percentile(answers, 100).toFixed(1)} ms`;

async function attack(): Promise<void> {
  const gateway = await startGateway(cleanUp);
  const accounts = await registerAccounts(gateway, 16);
  const logIn = (index: number) => {
    const { username = "", password = "" } = accounts[index % accounts.length] ?? {};
    const query = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
    return send(gateway.url, { query, variables: { input: { username, password } } });
  };
  const askMe = () =>
    sendSteadily(gateway.url, mePerSecond, seconds, (index) => {
      const { token = "" } = accounts[index % accounts.length] ?? {};
      return { query: "{ me { id username email createdAt } }", token };
    });
  await askMe();

  const began = performance.now();
  let signedIn = 0;
  while (performance.now() - began < 3000) {
    await Promise.all([logIn(signedIn), logIn(signedIn + 1)]);
    signedIn += 2;
  }
  const capacity = signedIn / ((performance.now() - began) / 1000);
  say(`capacity: ${capacity.toFixed(0)} sign-ins a second`);

  const quiet = await askMe();
  const quietMemory = await gateway.child.memory();
  say(`quiet:    me ${inMilliseconds(quiet)}; ${megabytes(quietMemory)}`);

  const flood = startChild(
    "bench/attack/flood.ts",
    [gateway.url, String(capacity * times), String(seconds)],
    {},
  );
  cleanUp.push(() => flood.stop());
  await flood.nextMessage();
  const flooding = flood.ask<Answer[]>("go");
  const flooded = await askMe();
  const attempts = await flooding;
  const end = performance.now();
  while ((await logIn(0)).code !== "OK");
  const recovery = performance.now() - end;

  // Of the gateway's own process; those that hash take the same all the time.
  const belowPeak =
    (await gateway.child.ask<number>("peak-memory")) - (await gateway.child.ask<number>("memory"));
  const peak = (await gateway.child.memory()) + belowPeak;

  const refused = attempts.filter(({ code }) => code === "SERVICE_UNAVAILABLE");
  const served = attempts.filter(({ code }) => code === "BAD_USER_INPUT");
  say(`flooded:  me ${inMilliseconds(flooded)}; ${megabytes(peak)}`);
  say(
    `          p99 of me is ${(percentile(flooded, 99) / percentile(quiet, 99)).toFixed(2)} times the quiet one`,
  );
  say(`          me failed ${flooded.filter(({ code }) => code !== "OK").length} of ${flooded.length} times`);
  say(`attempts: ${attempts.length}, ${(attempts.length / seconds).toFixed(0)} a second`);
  say(`refused:  ${refused.length}; ${inMilliseconds(refused)}`);
  say(`served:   ${served.length}; ${inMilliseconds(served)}`);
  say(`others:   ${attempts.length - refused.length - served.length}`);
  say(`a sign-in succeeds ${recovery.toFixed(0)} ms after the last answer of the flood`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB resident`;
}

try {
  await attack();
} finally {
  for (const undo of cleanUp.toReversed()) await undo();
}
