// Puts the Node that came as a package first on the PATH of npm scripts, where npm did not: npm 10 links it, and then
// takes the link away again with the packages for other platforms, which have one of the same name.
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { packagedNode } from "../bin/packaged-node.js";

const node = packagedNode();
const link = join(import.meta.dirname, "..", "node_modules", ".bin", "node");

if (process.platform !== "win32" && node !== undefined && !existsSync(link)) {
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), node), link);
}
