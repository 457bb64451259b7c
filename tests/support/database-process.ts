import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { findPostmaster } from "../../src/embedded-postgres/postmaster.ts";

const modulePath = fileURLToPath(
  new URL("../../src/embedded-postgres/embedded-postgres.ts", import.meta.url),
);
const directories: string[] = [];
const children: ChildProcess[] = [];

/** An empty directory, with a space in its name, that removeDirectories removes. */
export function newDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "gate house-"));
  directories.push(directory);
  return directory;
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** Kills the child processes and the database servers of all directories that a failed test left. */
export async function endProcesses(): Promise<void> {
  for (const child of children.splice(0)) await kill(child);
  for (const directory of directories) {
    for (const data of [join(directory, "postgres/data"), join(directory, "inner/postgres/data")]) {
      const left = await findPostmaster(data);
      if (left) await killServer(left.pid, data);
    }
  }
}

export function killLater(child: ChildProcess): void {
  children.push(child);
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

export async function killServer(pid: number, data: string): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(async () => !(await findPostmaster(data)));
}

/** What a process says that has started the database, as a gateway does: its URL, or why not. */
interface Started {
  child: ChildProcess;
  url?: string;
  uid?: number;
  error?: string;
}

/** Starts the database from a process of its own; `command` may stand before node. */
export function spawnGateway(
  dataDir: string,
  command: string[] = [],
  account: { uid?: number; gid?: number } = {},
): ChildProcess {
  const script = `
    process.stdin.resume().once("end", () => process.exit());
    const { startEmbeddedPostgres } = await import(${JSON.stringify(modulePath)});
    const say = (message) => console.log(JSON.stringify(message));
    await startEmbeddedPostgres(${JSON.stringify(dataDir)}).then(
      ({ url }) => say({ url, uid: process.getuid?.() }),
      (error) => { say({ error: error.message }); process.exit(1); },
    );`;
  const [file, ...args] = [...command, process.execPath, "--input-type=module", "-e", script];
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], cwd: "/", ...account });
  killLater(child);
  return child;
}

export async function startGateway(...args: Parameters<typeof spawnGateway>): Promise<Started> {
  const child = spawnGateway(...args);
  for await (const line of createInterface(child.stdout!)) {
    return { child, ...(JSON.parse(line) as Omit<Started, "child">) };
  }
  throw new Error("The gateway process ended without a word.");
}

/** The same under another account; only root can. */
export async function startGatewayAs(
  account: { uid: number; gid: number },
  dataDir: string,
): Promise<Started> {
  const readsModule = ["-e", `import(${JSON.stringify(modulePath)})`];
  if (spawnSync(process.execPath, readsModule, { ...account, cwd: "/" }).status === 0) {
    return startGateway(dataDir, [], account);
  }
  // A clone below /root is closed to other accounts; there we lend this one a key.
  const ids = [`--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups"];
  const key = ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  return startGateway(dataDir, ["setpriv", ...ids, ...key, "--"]);
}

export async function until(condition: () => unknown): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Never happened: ${String(condition)}`);
    await delay(10);
  }
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Whether nobody listens there. */
export function refuses(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const answer = (refused: boolean) => {
      socket.destroy();
      resolve(refused);
    };
    socket.once("connect", () => answer(false));
    socket.once("error", () => answer(true));
    socket.once("timeout", () => answer(true));
  });
}
