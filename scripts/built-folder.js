// Builds a folder of dist/ unless what it is made of is unchanged. Runs before every start and test, so the check has
// to be quick: what builds is loaded only when there is something to build.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");
export const DIST = join(ROOT, "dist");
const STAMP = "inputs.sha256";
// Far longer than a build takes: what is older was left behind by one that was killed.
const ABANDONED_AFTER_MS = 10 * 60_000;

/** Every file below a folder, sorted, but for those below its subfolders that are left out. */
export function filesBelow(folder, leftOut = []) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !leftOut.some((name) => file.startsWith(join(folder, name))))
    .toSorted();
}

/** `build(folder)` fills an empty one; `inputs` are all files that decide what it gives. */
export async function buildFolder(name, inputs, build) {
  const target = join(DIST, name);
  const digest = digestOf([...inputs, join(ROOT, "package-lock.json")]);
  const isBuilt = () => {
    try {
      return readFileSync(join(target, STAMP), "utf8") === digest;
    } catch {
      return false;
    }
  };
  if (isBuilt()) return;
  const started = performance.now();
  const fresh = join(DIST, `${name}-fresh-${process.pid}`);
  removeAbandoned(name);
  try {
    await build(fresh);
    writeFileSync(join(fresh, STAMP), digest);
    putInPlace(fresh, target, isBuilt);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  console.log(`Built dist/${name} in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

/** Swaps the fresh build for the old one; another run that was quicker with the same inputs wins. */
function putInPlace(fresh, target, isBuilt) {
  const stale = `${target}-stale-${process.pid}`;
  while (!isBuilt()) {
    rmSync(stale, { recursive: true, force: true });
    renameUnless("ENOENT", target, stale);
    // Not empty: another run put its build there in between.
    renameUnless("ENOTEMPTY", fresh, target);
  }
  rmSync(stale, { recursive: true, force: true });
}

function renameUnless(code, from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (error.code !== code) throw error;
  }
}

function digestOf(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash.update(file.slice(ROOT.length)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

function removeAbandoned(name) {
  mkdirSync(DIST, { recursive: true });
  const pattern = new RegExp(`^${name}-(fresh|stale)-\\d+$`);
  for (const entry of readdirSync(DIST).filter((candidate) => pattern.test(candidate))) {
    const folder = join(DIST, entry);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > ABANDONED_AFTER_MS) rmSync(folder, { recursive: true, force: true });
  }
}
