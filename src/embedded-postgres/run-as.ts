import { execFile } from "node:child_process";
import { parse } from "node:path";
import { promisify } from "node:util";
import type { Account } from "./database-account.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";

const run = promisify(execFile);

/** How to start PostgreSQL's programs: what stands before the command, and the options for `spawn`. */
export interface RunAs {
  prefix: string[];
  options: { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv };
}

/** How to start programs as we are. */
export function asOurselves(directory: string): RunAs {
  return { prefix: [], options: { cwd: parse(directory).root, env: serverEnvironment() } };
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
  if (!account) return asOurselves(directory);
  const { options: plain } = asOurselves(directory);

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
  // Without this bit access(2), with which PostgreSQL finds its own program, ignores an ordinary user's capabilities.
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
