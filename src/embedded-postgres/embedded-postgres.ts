import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { DataDirectoryInUse, DataDirectoryLock } from "./data-directory-lock.ts";
import { locatePostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { openDataDirectory } from "./data-directory.ts";
import { databaseAccount, handOver, isShared } from "./database-account.ts";
import { ownerRole, prepareOwnerRole } from "./owner-role.ts";
import { clusterExists, clusterPaths, initialiseCluster, openTo } from "./postgres-cluster.ts";
import { readPassword, removeDrafts } from "./postgres-cluster.ts";
import type { ClusterPaths } from "./postgres-cluster.ts";
import { findFreePort, launchPostmaster } from "./postmaster-launch.ts";
import type { Launch } from "./postmaster-launch.ts";
import { defuseStalePidFile, findPostmaster, shutDown } from "./postmaster.ts";
import { chooseRunAs } from "./run-as.ts";
import { readSecretFile } from "./secret-file.ts";

/** A running PostgreSQL server that no other gateway uses while this process lives. */
export interface EmbeddedPostgres {
  /** Of the role that owns the database `gatehouse`: postgresql://gatehouse_owner:<password>@127.0.0.1:<port>/gatehouse */
  url: string;
  /** The same as superuser, for what makes databases and roles; the gateway uses the other. */
  superuserUrl: string;
  /** PostgreSQL's own directory, absolute. */
  dataDirectory: string;
  /** Ends the server and waits for it; a second call waits for the same end. */
  stop: () => Promise<void>;
}

/** Long enough for the recovery of a killed server; an ordinary start takes a few tenths of a second. */
const startTimeout = 60_000;
/** How long leftovers of a killed server, or a port taken by another, may hold up a start. */
const obstacleTimeout = 10_000;
/** How long PostgreSQL may need to notice that a killed gateway is gone. */
const lockPatience = 1_500;
const pollInterval = 15;
const obstaclePause = 100;
const wrongPassword = "28P01";

/**
 * Starts the PostgreSQL under `dataDir`, or takes over the one a killed gateway left running there. Throws
 * DataDirectoryInUse when another gateway has it, and else an Error of one line.
 * @param options.port of 127.0.0.1 for a server that has to be started; a free one when left out
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  options: { port?: number } = {},
): Promise<EmbeddedPostgres> {
  const binaries = await locatePostgresBinaries();
  await openDataDirectory(dataDir);
  const paths = clusterPaths(dataDir);
  if (!(await clusterExists(paths))) await initialiseCluster(paths, binaries);

  let { lock, port } = await takeOverOrLaunch(dataDir, paths, binaries, options.port);
  if (await isOfPreviousRelease(paths)) {
    // Its gateway was killed: the account of the server changes with the next launch.
    await stopServer(lock, paths, binaries);
    ({ lock, port } = await takeOverOrLaunch(dataDir, paths, binaries, options.port));
  }
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopServer(lock, paths, binaries));
  try {
    await lock.ensureDatabase();
    await removeDrafts(paths);
    const superuserUrl = superuserUrlOf(paths, port, "gatehouse");
    await prepareOwnerRole(superuserUrl, paths);
    return { url: ownerUrl(paths, port), superuserUrl, dataDirectory: paths.data, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The URL of the server that runs under `dataDir`, for commands beside a gateway; undefined when none does. */
export async function findRunningPostgres(dataDir: string): Promise<string | undefined> {
  if (!existsSync(dataDir)) return undefined;
  const paths = clusterPaths(dataDir);
  const running = await findPostmaster(paths.data);
  if (!running?.ready) return undefined;
  if (readSecretFile(paths.ownerPasswordFile) === undefined)
    throw new Error(
      `The gateway that runs on DATA_DIR ${dataDir} is of an earlier release: restart it first.`,
    );
  return ownerUrl(paths, running.port);
}

function ownerUrl(paths: ClusterPaths, port: number): string {
  return `postgresql://${ownerRole}:${readPassword(paths.ownerPasswordFile)}@127.0.0.1:${port}/gatehouse`;
}

function superuserUrlOf(paths: ClusterPaths, port: number, database: string): string {
  return `postgresql://gatehouse:${readPassword(paths.passwordFile)}@127.0.0.1:${port}/${database}`;
}

/** Such a server runs under an account that other programs share. */
async function isOfPreviousRelease({ data }: ClusterPaths): Promise<boolean> {
  return process.getuid?.() === 0 && isShared((await stat(data)).uid);
}

async function takeOverOrLaunch(
  dataDir: string,
  paths: ClusterPaths,
  binaries: PostgresBinaries,
  port: number | undefined,
): Promise<{ lock: DataDirectoryLock; port: number }> {
  const begun = Date.now();
  let launch: Launch | undefined;
  while (Date.now() - begun < startTimeout) {
    const running = await findPostmaster(paths.data);
    if (running?.ready) {
      const lock = await takeLock(dataDir, paths, running.port);
      if (lock) return { lock, port: running.port };
    } else if (!running) {
      if (launch?.hasExited()) {
        await passObstacle(launch, paths, begun);
        launch = undefined;
      }
      launch ??= await launchServer(paths, binaries, port);
    }
    await delay(pollInterval);
  }
  throw new Error(`PostgreSQL is not ready after ${startTimeout / 1000} s; ${paths.log} may say why.`);
}

/** The lock of a server that says it is ready; undefined when it cannot be reached after all, or not yet. */
async function takeLock(dataDir: string, paths: ClusterPaths, port: number) {
  const lock = new DataDirectoryLock(superuserUrlOf(paths, port, "postgres"));
  try {
    if (await lock.acquire(lockPatience)) return lock;
  } catch (error) {
    if ((error as { code?: string }).code !== wrongPassword) return undefined;
    throw new Error(`The password in ${paths.passwordFile} is not that of the database beside it.`, {
      cause: error,
    });
  }
  throw new DataDirectoryInUse(dataDir);
}

async function launchServer(paths: ClusterPaths, binaries: PostgresBinaries, port: number | undefined) {
  const account = await databaseAccount(paths.data);
  if (account) {
    if ((await stat(paths.data)).uid !== account.uid) await handOver(paths.data, account);
    if ((await stat(paths.home)).uid === 0) await openTo(paths.home, account.gid);
  }
  const runAs = await chooseRunAs(account, paths.home, binaries);
  await defuseStalePidFile(paths.data);
  return launchPostmaster(paths, binaries, runAs, port ?? (await findFreePort()));
}

/** Returns when another try to start the server makes sense. */
async function passObstacle(launch: Launch, paths: ClusterPaths, begun: number): Promise<void> {
  const { reason, mayPass } = await launch.explainExit();
  const patient = mayPass && Date.now() - begun < obstacleTimeout;
  // Another gateway may have started the server in the meantime.
  if (!patient && !(await findPostmaster(paths.data)))
    throw new Error(`PostgreSQL does not start: ${reason}`);
  await delay(obstaclePause);
}

async function stopServer(
  lock: DataDirectoryLock,
  paths: ClusterPaths,
  binaries: PostgresBinaries,
): Promise<void> {
  // After a crash of the server, another gateway may have taken it over; then it is no longer ours to stop.
  const ours = await lock.acquire(lockPatience).catch(() => true);
  lock.expectEnd();
  const running = ours ? await findPostmaster(paths.data) : undefined;
  // The lock is kept until the server ends it, so that no other process takes over a server that is about to stop.
  if (running) await shutDown(paths.data, running, binaries);
  await lock.release();
}
