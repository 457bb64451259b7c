#!/usr/bin/env node
import module from "node:module";
import os from "node:os";
import v8 from "node:v8";
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
// Beside the code that it is made of: who can write there needs no cache to change what runs. Where we cannot, there is none.
module.enableCompileCache(join(import.meta.dirname, "..", "dist", "compile-cache"));
const { run } = await import("../dist/bundle/gatehouse.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || !String(error.message).includes("dist/bundle/gatehouse.js"))
    throw error;
  console.error("gatehouse is not built yet: run `npm run build` first.");
  process.exit(1);
});
await run(process.argv);
