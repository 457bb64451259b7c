#!/usr/bin/env node
import module from "node:module";
import os from "node:os";
import v8 from "node:v8";
import { spawn } from "node:child_process";
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packagedNode } from "./packaged-node.js";

// Plain JavaScript that any Node can read: an older one starts the Node that came as a package.
const oldest = 24;
const file = fileURLToPath(import.meta.url);
const root = join(dirname(file), "..");
const major = Number(process.versions.node.split(".")[0]);
if (major < oldest) runByPackagedNode();
else await runHere();

function runByPackagedNode() {
  const node = packagedNode();
  if (node === undefined || node === process.execPath) {
    console.error(
      `gatehouse needs Node ${oldest} or newer and was started on ${process.version}; ` +
        "`npm ci` without --omit=optional brings one.",
    );
    process.exit(1);
  }
  // By the channel the other process learns that this one is gone, however it ended.
  const child = spawn(node, [...process.execArgv, file, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, GATEHOUSE_LAUNCHER: String(process.pid) },
  });
  // A terminal signals both of them by itself.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
    process.on(signal, () => process.stdin.isTTY || child.kill(signal));
  child.once("error", ({ message }) => {
    console.error(`gatehouse cannot start ${node}: ${message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
}

async function runHere() {
  if (process.channel && process.env.GATEHOUSE_LAUNCHER === String(process.ppid)) {
    process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
    process.channel.unref();
  }
  // Hashes and file access share these threads; with the usual four, a few hashes at once would hold up all else.
  process.env.UV_THREADPOOL_SIZE ??= String(4 + os.availableParallelism());
  // Else V8 gives new objects 130 MB under load, which spares a fifteenth of the processor's time and doubles the memory.
  v8.setFlagsFromString("--semi-space-growth-factor=1");
  // What we make, other accounts cannot write to, however the umask was set.
  process.umask(process.umask() | 0o022);
  const compileCache = join(root, "dist", "compile-cache");
  if (isOurs(compileCache)) module.enableCompileCache(compileCache);
  if (!existsSync(join(root, "dist", "bundle", "gatehouse.js"))) {
    console.error(`gatehouse is not built yet: run ${howToBuild()} in ${root} first.`);
    process.exit(1);
  }
  const { run } = await import("../dist/bundle/gatehouse.js");
  await run(process.argv);
}

/** The build needs the development dependencies, which NODE_ENV=production leaves out as well. */
function howToBuild() {
  return existsSync(join(root, "node_modules", "typescript"))
    ? "`npm run build`"
    : "`npm ci --include=dev` (and then `npm prune --omit=dev`, if they are to go again)";
}

/** Code runs from the cache, so nobody but the owner of this file and we may have written there. */
function isOurs(cache) {
  if (process.geteuid === undefined) return true;
  try {
    const owners = new Set([0, process.geteuid(), statSync(file).uid]);
    const folders = [cache, ...readdirSync(cache).map((name) => join(cache, name))];
    return folders
      .map((folder) => lstatSync(folder))
      .every(({ mode, uid }) => owners.has(uid) && !(mode & 0o022));
  } catch (error) {
    return error.code === "ENOENT";
  }
}
