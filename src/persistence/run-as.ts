import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { parse } from "node:path";
import { promisify } from "node:util";
import type { PostgresBinaries } from "./postgres-binaries.ts";

const run = promisify(execFile);

/** An operating system account, by its numbers. */
export interface Account {
  uid: number;
  gid: number;
}

/** How to start PostgreSQL's programs: what stands before the command, and the options for `spawn`. */
export interface RunAs {
  prefix: string[];
  options: { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv };
}

/**
 * The account PostgreSQL has to run under, which refuses to run as root: undefined (ours) for an ordinary
 * user, else the owner of the existing data, else `nobody`.
 */
export async function databaseAccount(data: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(data).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const [uid, gid] = await Promise.all([run("id", ["-u", "nobody"]), run("id", ["-g", "nobody"])]);
  // `| 0`: where nobody is -2, `id` prints 4294967294, which spawn refuses.
  return { uid: Number(uid.stdout) | 0, gid: Number(gid.stdout) | 0 };
}

/** Hands a directory that belongs to root, as a copy made by root does, to the account, with all that is in it. */
export async function takeFromRoot(directory: string, { uid, gid }: Account): Promise<void> {
  if ((await stat(directory)).uid === 0) await run("chown", ["-hR", `${uid}:${gid}`, directory]);
}

/**
 * Chooses the way with the fewest rights in which the account reaches the binaries and the directory. Plain
 * setuid does unless one of them lies below a closed directory such as /root; then a capability has to help.
 */
export async function chooseRunAs(
  account: Account | undefined,
  directory: string,
  binaries: PostgresBinaries,
): Promise<RunAs> {
  const plain = { cwd: parse(directory).root, env: serverEnvironment() };
  if (!account) return { prefix: [], options: plain };

  const ways: RunAs[] = [
    { prefix: [], options: { ...plain, ...account } },
    { prefix: setpriv(account, "dac_read_search"), options: plain },
    { prefix: setpriv(account, "dac_override"), options: plain },
  ];
  for (const way of ways) if (await reaches(way, directory, binaries)) return way;
  throw new Error(
    `PostgreSQL does not run as root, and uid ${account.uid} cannot reach ${directory} or ${binaries.postgres}; ` +
      "start as an ordinary user, install setpriv (util-linux), or set DATABASE_URL.",
  );
}

/** The command line of a program for `spawn` or `execFile`, as RunAs has it. */
export function commandAs(runAs: RunAs, program: string, args: string[]): [string, string[]] {
  const [file = program, ...rest] = [...runAs.prefix, program, ...args];
  return [file, rest];
}

function setpriv({ uid, gid }: Account, capability: string): string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  const capabilities = [`--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
  // Without this bit access(2), with which PostgreSQL looks for itself, ignores an ordinary user's capabilities.
  return ["setpriv", ...ids, "--securebits=+no_setuid_fixup", ...capabilities, "--"];
}

async function reaches(way: RunAs, directory: string, binaries: PostgresBinaries): Promise<boolean> {
  const script = 'cd "$1" && test -r "$2" && exec "$3" -V';
  const args = ["-c", script, "sh", directory, binaries.bootstrapFile, binaries.postgres];
  try {
    await run(...commandAs(way, "/bin/sh", args), way.options);
    return true;
  } catch {
    return false;
  }
}

/** Nothing of our environment, which may hold secrets, goes to a process that outlives us. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const own = process.platform === "win32" ? process.env : { PATH: process.env["PATH"] };
  return { ...own, LC_ALL: "C", TZ: "UTC" };
}
