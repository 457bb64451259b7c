#!/usr/bin/env node
import module from "node:module";
import os from "node:os";
import v8 from "node:v8";
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

// Plain JavaScript that any Node can read, so that an old one gets a sentence and not a stack trace.
const oldest = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major < oldest) {
  console.error(
    `gatehouse needs Node ${oldest} or newer and was started on ${process.version}; \`npx gatehouse\` brings its own.`,
  );
  process.exit(1);
}
// Hashes and file access share these threads; with the usual four, a few hashes at once would hold up all else.
process.env.UV_THREADPOOL_SIZE ??= String(4 + os.availableParallelism());
// Else V8 gives new objects 130 MB under load, which spares a fifteenth of the processor's time and doubles the memory.
v8.setFlagsFromString("--semi-space-growth-factor=1");
// What we make, other accounts cannot write to, however the umask was set.
process.umask(process.umask() | 0o022);
const compileCache = join(import.meta.dirname, "..", "dist", "compile-cache");
if (isOurs(compileCache)) module.enableCompileCache(compileCache);
const { run } = await import("../dist/bundle/gatehouse.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || !String(error.message).includes("dist/bundle/gatehouse.js"))
    throw error;
  console.error("gatehouse is not built yet: run `npm run build` first.");
  process.exit(1);
});
await run(process.argv);

/** Code runs from the cache, so nobody but the owner of this file and we may have written there. */
function isOurs(cache) {
  if (process.geteuid === undefined) return true;
  try {
    const owners = new Set([0, process.geteuid(), statSync(import.meta.filename).uid]);
    const folders = [cache, ...readdirSync(cache).map((name) => join(cache, name))];
    return folders
      .map((folder) => lstatSync(folder))
      .every(({ mode, uid }) => owners.has(uid) && !(mode & 0o022));
  } catch (error) {
    return error.code === "ENOENT";
  }
}
