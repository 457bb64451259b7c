import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { makeSecretFile, readSecretFile } from "./secret-file.ts";

const run = promisify(execFile);

/** An operating system account, by its numbers. */
export interface Account {
  uid: number;
  gid: number;
}

/** Numbers that no system gives to users, services or containers (see systemd's "Users, Groups, UIDs and GIDs"). */
const firstUnused = 60_706;
const lastUnused = 61_183;
const mostTries = 100;

/**
 * The account that PostgreSQL runs under, as it refuses to run as root: undefined (ours) for an ordinary user, else the
 * owner of the existing data, else one that nothing else runs under and that has no name to sign in with.
 */
export async function databaseAccount(data: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(data);
  if (!(await isShared(owner.uid))) return { uid: owner.uid, gid: owner.gid };
  // Kept, so that two starts at the same moment agree on it.
  const file = join(dirname(data), "account");
  if (readSecretFile(file) === undefined) await makeSecretFile(file, String(await findUnusedId()));
  const id = Number(readSecretFile(file));
  return { uid: id, gid: id };
}

/** `nobody`, under which other services run: previous releases used it. */
export async function nobody(): Promise<number> {
  const { stdout } = await run("id", ["-u", "nobody"]);
  // `| 0`: where nobody is -2, `id` prints 4294967294, which spawn refuses.
  return Number(stdout) | 0;
}

/** Whether the data of a database must not belong to the account: root's, and what other programs run under. */
export async function isShared(uid: number): Promise<boolean> {
  return uid === 0 || uid === (await nobody());
}

async function findUnusedId(): Promise<number> {
  const running = await runningAccounts();
  for (let tries = 0; tries < mostTries; tries++) {
    const id = randomInt(firstUnused, lastUnused + 1);
    if (!running.has(id) && !(await hasName(id))) return id;
  }
  throw new Error(
    `PostgreSQL does not run as root, and no account from ${firstUnused} to ${lastUnused} is unused; ` +
      "start as an ordinary user, or set DATABASE_URL.",
  );
}

async function hasName(uid: number): Promise<boolean> {
  return run("id", ["-u", String(uid)]).then(
    () => true,
    () => false,
  );
}

/** Where the system lists its processes: those of another gateway are among them. */
async function runningAccounts(): Promise<Set<number>> {
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const owners = await Promise.all(processes.map((pid) => stat(`/proc/${pid}`).catch(() => undefined)));
  return new Set(owners.flatMap((owner) => owner?.uid ?? []));
}

/** Gives a directory to the account, with all that is in it. */
export async function handOver(directory: string, { uid, gid }: Account): Promise<void> {
  await run("chown", ["-hR", `${uid}:${gid}`, directory]);
}
