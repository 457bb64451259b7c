import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** The Node that came as a package (decision 3), and runs no older code than we need; undefined where there is none. */
export function packagedNode() {
  const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const program = process.platform === "win32" ? "node.exe" : "node";
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
    try {
      const path = require.resolve(`${name}/bin/${program}`);
      if (existsSync(path)) return realpathSync(path);
    } catch {
      // Left out by --omit=optional, or for another platform.
    }
  }
  return undefined;
}
