import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chmod, chown, mkdir, mkdtemp, readdir, readFile } from "node:fs/promises";
import { realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { chooseRunAs, commandAs, databaseAccount, takeFromRoot } from "./run-as.ts";

const run = promisify(execFile);
const initialisationTimeout = 120_000;

/** Where an embedded PostgreSQL keeps its things; all paths are absolute and free of symbolic links. */
export interface ClusterPaths {
  /** Holds the three below, and appears in one step with a finished cluster and its password in it. */
  home: string;
  data: string;
  passwordFile: string;
  log: string;
}

/** The paths under an existing DATA_DIR; rejects with ENOENT when there is none. */
export async function clusterPaths(dataDir: string): Promise<ClusterPaths> {
  return pathsIn(join(await realpath(dataDir), "postgres"));
}

function pathsIn(home: string): ClusterPaths {
  return {
    home,
    data: join(home, "data"),
    passwordFile: join(home, "password"),
    log: join(home, "server.log"),
  };
}

/** Makes DATA_DIR if it is missing, closed to other users. */
export async function makeDataDirectory(dataDir: string): Promise<void> {
  const made = await mkdir(dataDir, { recursive: true });
  if (made) await chmod(dataDir, closedButPassable());
}

/** Root's PostgreSQL runs under another account, which has to pass through our directories to its own. */
function closedButPassable(): number {
  return process.getuid?.() === 0 ? 0o711 : 0o700;
}

export async function clusterExists(paths: ClusterPaths): Promise<boolean> {
  return access(join(paths.data, "PG_VERSION")).then(
    () => true,
    () => false,
  );
}

export async function readPassword(paths: ClusterPaths): Promise<string> {
  return (await readFile(paths.passwordFile, "utf8")).trim();
}

/**
 * Makes the cluster beside its place and moves it there when it is complete, so that neither a killed first
 * start nor a second gateway starting at the same moment can leave half of one behind.
 */
export async function initialiseCluster(paths: ClusterPaths, binaries: PostgresBinaries): Promise<void> {
  const draft = pathsIn(await mkdtemp(`${paths.home}.new-`));
  try {
    await fillCluster(draft, binaries);
    await rename(draft.home, paths.home);
  } catch (error) {
    await removeTree(draft.home);
    // Another gateway was faster; its cluster and its password count.
    if (!(await clusterExists(paths))) throw error;
  }
}

async function fillCluster(draft: ClusterPaths, binaries: PostgresBinaries): Promise<void> {
  await chmod(draft.home, closedButPassable());
  await mkdir(draft.data, { mode: 0o700 });
  const password = randomBytes(32).toString("base64url");
  await writeFile(draft.passwordFile, `${password}\n`, { mode: 0o600, flush: true });

  const account = await databaseAccount(draft.data);
  const runAs = await chooseRunAs(account, draft.home, binaries);
  if (account) {
    await takeFromRoot(draft.data, account);
    await chown(draft.passwordFile, account.uid, account.gid);
  }
  const options = { ...runAs.options, timeout: initialisationTimeout };
  await run(...commandAs(runAs, binaries.initdb, initdbArguments(draft)), options).catch((error: unknown) => {
    throw new Error(`PostgreSQL could not make its data directory: ${lastLine(error)}`);
  });
  if (account) await chown(draft.passwordFile, 0, 0);
}

function initdbArguments(draft: ClusterPaths): string[] {
  return [
    `--pgdata=${draft.data}`,
    "--username=gatehouse",
    `--pwfile=${draft.passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    // The same on every system, and knows upper and lower case beyond ASCII.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
  ];
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split("\n").at(-1) ?? "";
}

/** Removes what killed first starts left under DATA_DIR; only for the gateway that holds its lock. */
export async function removeDrafts(paths: ClusterPaths): Promise<void> {
  const parent = join(paths.home, "..");
  for (const name of await readdir(parent)) {
    if (name.startsWith("postgres.new-")) await removeTree(join(parent, name));
  }
}

/** Best effort: a dying initdb may still be writing, and then the next start removes the rest. */
async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }).catch(() => {});
}
