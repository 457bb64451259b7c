import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chown, chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { checkDataDirectory } from "./data-directory.ts";
import { databaseAccount, handOver } from "./database-account.ts";
import { initialiseAs } from "./initialise-as.ts";
import { commandAs } from "./run-as.ts";
import { makeSecretFile, readSecretFile } from "./secret-file.ts";

const run = promisify(execFile);
const initialisationTimeout = 120_000;

/** Where an embedded PostgreSQL keeps its things; all paths are absolute and free of symbolic links. */
export interface ClusterPaths {
  /** Holds the others, and appears in one step with a finished cluster and its password in it. */
  home: string;
  data: string;
  /** Of the superuser `gatehouse`, which prepares the database. */
  passwordFile: string;
  /** Of the role that owns the database. */
  ownerPasswordFile: string;
  log: string;
}

/** The paths under an existing DATA_DIR; rejects with ENOENT when there is none. */
export function clusterPaths(dataDir: string): ClusterPaths {
  return pathsIn(join(checkDataDirectory(dataDir), "postgres"));
}

function pathsIn(home: string): ClusterPaths {
  return {
    home,
    data: join(home, "data"),
    passwordFile: join(home, "password"),
    ownerPasswordFile: join(home, "owner-password"),
    log: join(home, "server.log"),
  };
}

export async function clusterExists(paths: ClusterPaths): Promise<boolean> {
  return access(join(paths.data, "PG_VERSION")).then(
    () => true,
    () => false,
  );
}

/** @throws Error of one line where the file is missing or open to others */
export function readPassword(passwordFile: string): string {
  const password = readSecretFile(passwordFile);
  if (password === undefined)
    throw new Error(`${passwordFile} is missing; it belongs to the database beside it.`);
  return password.trim();
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
  await mkdir(draft.data, { mode: 0o700 });
  const password = randomBytes(32).toString("base64url");
  await writeFile(draft.passwordFile, `${password}\n`, { mode: 0o600, flag: "wx", flush: true });

  await makeSecretFile(draft.ownerPasswordFile, randomBytes(32).toString("base64url"));

  const account = await databaseAccount(draft.data);
  if (account) await openTo(draft.home, account.gid);
  const runAs = await initialiseAs(account, draft, binaries);
  const options = { ...runAs.options, timeout: initialisationTimeout };
  await run(...commandAs(runAs, binaries.initdb, initdbArguments(draft)), options).catch((error: unknown) => {
    throw new Error(`PostgreSQL could not make its data directory: ${lastLine(error)}`);
  });
  if (account) {
    await handOver(draft.data, account);
    await chown(draft.passwordFile, 0, 0);
  }
}

/** Lets the group, which is the database account's alone, pass through root's directory. */
export async function openTo(home: string, gid: number): Promise<void> {
  await chown(home, 0, gid);
  await chmod(home, 0o710);
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
