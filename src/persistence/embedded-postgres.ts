import { setTimeout as delay } from "node:timers/promises";
import { DataDirectoryInUse, DataDirectoryLock } from "./data-directory-lock.ts";
import { locatePostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { clusterExists, clusterPaths, initialiseCluster, makeDataDirectory } from "./postgres-cluster.ts";
import { readPassword, removeDrafts } from "./postgres-cluster.ts";
import type { ClusterPaths } from "./postgres-cluster.ts";
import { findFreePort, launchPostmaster } from "./postmaster-launch.ts";
import type { Launch } from "./postmaster-launch.ts";
import { defuseStalePidFile, findPostmaster, shutDown } from "./postmaster.ts";
import { chooseRunAs, databaseAccount, takeFromRoot } from "./run-as.ts";

/** A running PostgreSQL server that no other gateway uses while this process lives. */
export interface EmbeddedPostgres {
  /** postgresql://gatehouse:<password>@127.0.0.1:<port>/gatehouse */
  url: string;
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
  await makeDataDirectory(dataDir);
  const paths = await clusterPaths(dataDir);
  if (!(await clusterExists(paths))) await initialiseCluster(paths, binaries);

  const { lock, port } = await takeOverOrLaunch(dataDir, paths, binaries, options.port);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopServer(lock, paths, binaries));
  try {
    await lock.ensureDatabase();
    await removeDrafts(paths);
    return { url: await serverUrl(paths, port, "gatehouse"), dataDirectory: paths.data, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The URL of the server that runs under `dataDir`, for commands beside a gateway; undefined when none does. */
export async function findRunningPostgres(dataDir: string): Promise<string | undefined> {
  const paths = await clusterPaths(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (!paths) return undefined;
  const running = await findPostmaster(paths.data);
  return running?.ready ? serverUrl(paths, running.port, "gatehouse") : undefined;
}

async function serverUrl(paths: ClusterPaths, port: number, database: string): Promise<string> {
  return `postgresql://gatehouse:${await readPassword(paths)}@127.0.0.1:${port}/${database}`;
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
  const lock = new DataDirectoryLock(await serverUrl(paths, port, "postgres"));
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
  if (account) await takeFromRoot(paths.data, account);
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
  // The lock is kept until the server ends it, so that nobody takes over a server about to stop.
  if (running) await shutDown(paths.data, running, binaries);
  await lock.release();
}
