// Builds dist/: the server by tsc, the IDE page by Vite. An install without the development dependencies cannot, and
// need not when dist/ came with it.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

function compiler() {
  try {
    return join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  } catch {
    console.log("Not built: the development dependencies are left out.");
    return process.exit(0);
  }
}

const { status } = spawnSync(process.execPath, [compiler(), "-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
await import("./build-ide.js");
