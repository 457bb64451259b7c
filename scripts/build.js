// Builds dist/: the server by tsc, its bundle and the IDE page by Vite. An install without the development dependencies cannot, and
// need not when dist/ came with it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

function compiler() {
  try {
    return join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  } catch {
    if (existsSync(join(import.meta.dirname, "..", "node_modules"))) {
      console.log("Not built: the development dependencies are left out.");
      return process.exit(0);
    }
    console.error("Run `npm ci` first.");
    return process.exit(1);
  }
}

const { status } = spawnSync(process.execPath, [compiler(), "-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
await import("./build-bundle.js");
await import("./build-ide.js");
