// Puts the Node that came as a package first on the PATH of npm scripts, where npm did not: npm 10 links it, and then
// takes the link away again with the packages for other platforms, which have one of the same name.
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const modules = join(import.meta.dirname, "..", "node_modules");
const platform = `${process.platform}-${process.arch}`;
const name = [`node-${platform}`, `node-bin-${platform}`].find((name) =>
  existsSync(join(modules, name, "bin", "node")),
);
const link = join(modules, ".bin", "node");

if (process.platform !== "win32" && name !== undefined && !existsSync(link)) {
  rmSync(link, { force: true });
  symlinkSync(join("..", name, "bin", "node"), link);
}
