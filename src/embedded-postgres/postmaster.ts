import { execFile } from "node:child_process";
import { constants, open, readFile, readlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { PostgresBinaries } from "./postgres-binaries.ts";

const run = promisify(execFile);
const fastShutdownTimeout = 20_000;
const immediateShutdownTimeout = 10_000;
const pollInterval = 15;

/** A running PostgreSQL server, as its postmaster.pid describes it. */
export interface Postmaster {
  pid: number;
  port: number;
  /** False while it starts, recovers or shuts down. */
  ready: boolean;
}

/** The live server on a data directory, whoever started it. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  return withPidFile(data, constants.O_RDONLY, async (file) => {
    const lines = (await file.readFile("utf8")).split("\n");
    const pid = parsePid(lines);
    if (!pid || !(await serves(pid, data))) return undefined;
    return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
  });
}

/**
 * PostgreSQL refuses to start over a postmaster.pid that is empty, or whose process id now belongs to something
 * else. We put an id there that no process has and leave the rest, by which PostgreSQL still sees whether
 * processes of the old server use the data. A file that a new server makes meanwhile is another one, and safe.
 */
export async function defuseStalePidFile(data: string): Promise<void> {
  const noSuchProcess = 2_147_483_647;
  await withPidFile(data, constants.O_RDWR, async (file) => {
    const lines = (await file.readFile("utf8")).split("\n");
    const pid = parsePid(lines);
    const stale = pid ? processExists(pid) && !(await serves(pid, data)) : await isOlderThan(file, 2_000);
    if (!stale) return;
    const text = [noSuchProcess, ...lines.slice(1)].join("\n");
    await file.write(text, 0);
    await file.truncate(text.length);
  });
}

/** Ends a server and waits until its process is gone; open transactions are rolled back. */
export async function shutDown(data: string, { pid }: Postmaster, binaries: PostgresBinaries): Promise<void> {
  if (process.platform === "win32") {
    const timeout = String(fastShutdownTimeout / 1000);
    await run(binaries.pgCtl, ["stop", "-D", data, "-m", "fast", "-w", "-t", timeout]);
    return;
  }
  signal(pid, "SIGINT");
  if (await isGone(pid, data, fastShutdownTimeout)) return;
  signal(pid, "SIGQUIT");
  if (await isGone(pid, data, immediateShutdownTimeout)) return;
  throw new Error(`PostgreSQL (process ${pid}) does not stop.`);
}

async function withPidFile<T>(data: string, flags: number, use: (file: FileHandle) => Promise<T>) {
  // Not through a symbolic link: the directory may belong to an account with fewer rights than ours.
  const noFollow = constants.O_NOFOLLOW ?? 0;
  const file = await open(join(data, "postmaster.pid"), flags | noFollow).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    },
  );
  if (!file) return undefined;
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function parsePid(lines: string[]): number {
  // PostgreSQL in single-user mode writes a negative id.
  return Math.abs(Number.parseInt(lines[0] ?? "", 10)) || 0;
}

async function isOlderThan(file: FileHandle, milliseconds: number): Promise<boolean> {
  return Date.now() - (await file.stat()).mtimeMs > milliseconds;
}

async function isGone(pid: number, data: string, timeout: number): Promise<boolean> {
  const deadline = Date.now() + timeout;
  while (await serves(pid, data)) {
    if (Date.now() > deadline) return false;
    await delay(pollInterval);
  }
  return true;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Whether this process is a PostgreSQL server on this data directory; a zombie is none. */
async function serves(pid: number, data: string): Promise<boolean> {
  if (!processExists(pid)) return false;
  if (process.platform === "linux") {
    const [program = "", ...args] = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split(
      "\0",
    );
    if (basename(program) !== "postgres") return false;
    return args.includes(data) || (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === data;
  }
  if (process.platform === "win32") {
    const { stdout } = await run("tasklist", ["/NH", "/FI", `PID eq ${pid}`]);
    return stdout.includes("postgres.exe");
  }
  const command = await run("ps", ["-o", "command=", "-p", String(pid)]).then(
    ({ stdout }) => stdout,
    () => "",
  );
  return command.includes("postgres") && command.includes(data);
}
