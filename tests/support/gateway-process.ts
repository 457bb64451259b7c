import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const command = fileURLToPath(new URL("../../bin/gatehouse.js", import.meta.url));

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface GatehouseProcess {
  child: ChildProcess;
  /** What it has printed so far. */
  output: { stdout: string; stderr: string };
  exit: Promise<Exit>;
}

const running = new Set<ChildProcess>();

/** Ends what a test left running; for `afterAll`. */
export async function killAll(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      child.kill("SIGTERM");
      await until(() => child.exitCode !== null || child.signalCode !== null);
    }),
  );
}

/** Runs `gatehouse …` as it is built, with nothing of this process's environment but the PATH; by a wrapper, if any. */
export function gatehouse(
  args: string[],
  environment: Record<string, string>,
  wrapper: string[] = [],
): GatehouseProcess {
  const [file = process.execPath, ...rest] = [...wrapper, process.execPath, command, ...args];
  const child = spawn(file, rest, {
    env: {
      PATH: process.env["PATH"],
      ARGON2_MEMORY: "8",
      ARGON2_TIME: "1",
      RATE_LIMIT: "off",
      ...environment,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  child.stdin.end();
  const exit = once(child, "close").then(([code, signal]) => {
    running.delete(child);
    return { code, signal, ...output };
  });
  return { child, output, exit };
}

/** Starts `gatehouse serve` on a free port and waits until it is ready. */
export async function serve(
  environment: Record<string, string>,
  wrapper: string[] = [],
): Promise<GatehouseProcess & { url: string }> {
  const process = gatehouse(["serve"], { PORT: "0", ...environment }, wrapper);
  const ready = () => /"address":"([^"]+)".*"msg":"ready"/.exec(process.output.stdout)?.[1];
  await until(() => {
    if (process.child.exitCode !== null) throw new Error(`gatehouse serve ended: ${process.output.stderr}`);
    return ready() !== undefined;
  }, 120_000);
  return { ...process, url: ready() ?? "" };
}

export async function post(url: string, query: string, authorization?: string) {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(authorization && { authorization }) },
    body: JSON.stringify({ query }),
  });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  return (await answer.json()) as { data: any; errors?: any[] };
}
