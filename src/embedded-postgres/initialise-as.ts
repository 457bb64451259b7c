import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { nobody, handOver } from "./database-account.ts";
import type { Account } from "./database-account.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { ClusterPaths } from "./postgres-cluster.ts";
import { asOurselves, chooseRunAs, commandAs } from "./run-as.ts";
import type { RunAs } from "./run-as.ts";

const run = promisify(execFile);

/**
 * How to run initdb, which wants an account with a name, unlike the server.
 * Under root it is `nobody` with the group of the database account: no other process of `nobody` has that group, so none
 * passes into the directory, and none may trace one that has it.
 */
export async function initialiseAs(
  account: Account | undefined,
  draft: ClusterPaths,
  binaries: PostgresBinaries,
): Promise<RunAs> {
  if (!account) return hasName() ? asOurselves(draft.home) : inUserNamespace(draft.home);
  const named = { uid: await nobody(), gid: account.gid };
  await handOver(draft.data, named);
  await handOver(draft.passwordFile, named);
  return chooseRunAs(named, draft.home, binaries);
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

/** Linux lets us have the number of `nobody` in a namespace of our own; outside, files still belong to us. */
async function inUserNamespace(home: string): Promise<RunAs> {
  const uid = process.getuid?.();
  const { options } = asOurselves(home);
  try {
    const id = await nobody();
    const prefix = ["unshare", "--user", `--map-user=${id}`, `--map-group=${id}`, "--"];
    const way = { prefix, options };
    await run(...commandAs(way, "id", ["-un"]), options);
    return way;
  } catch (error) {
    throw new Error(
      `The embedded PostgreSQL cannot be set up by uid ${uid}, which has no entry in /etc/passwd: ` +
        "start as an account that has one, or set DATABASE_URL.",
      { cause: error },
    );
  }
}
