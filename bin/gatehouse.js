#!/usr/bin/env node
import os from "node:os";

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
const { run } = await import("../dist/cli/gatehouse.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || !String(error.message).includes("dist/cli/gatehouse.js"))
    throw error;
  console.error("gatehouse is not built yet: run `npm run build` first.");
  process.exit(1);
});
await run(process.argv);
