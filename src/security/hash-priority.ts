import { readdir, readFile } from "node:fs/promises";
import { setPriority } from "node:os";

/** Of the 19 degrees below the usual. */
const niceness = 15;

/**
 * Lets the threads that hash passwords yield to the one that answers requests, where there are too few cores for both.
 * Linux alone has a priority for each thread; elsewhere, and where it is forbidden, nothing changes.
 */
export async function hashBehindRequests(): Promise<void> {
  if (process.platform !== "linux") return;
  // Reading a directory makes all threads of the pool, if they are not there yet.
  for (const thread of await readdir("/proc/self/task")) {
    const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8").catch(() => "");
    if (name.trim() !== "libuv-worker") continue;
    try {
      setPriority(Number(thread), niceness);
    } catch {
      return;
    }
  }
}
