// Builds dist/: the server by tsc, its bundle and the IDE page by Vite. An install without the development dependencies cannot:
// it uses the dist/ that came with it, or fails.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const root = join(import.meta.dirname, "..");

function compiler() {
  try {
    return join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  } catch {
    if (existsSync(join(root, "dist", "bundle", "gatehouse.js"))) {
      console.log("Not built anew: the development dependencies are left out. dist/ is used as it is.");
      return process.exit(0);
    }
    console.error(
      "Gatehouse cannot be built: the development dependencies are left out. " +
        "Run `npm ci --include=dev`, and then `npm prune --omit=dev` if they are to go again.",
    );
    return process.exit(1);
  }
}

const { status } = spawnSync(process.execPath, [compiler(), "-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
await import("./build-bundle.js");
await import("./build-ide.js");
