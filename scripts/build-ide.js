// Builds the IDE page of ide/ into dist/ide, unless it is there already. Runs before every start and test, so
// the check has to be quick: Vite is loaded only when there is something to build.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
const TARGET = join(DIST, "ide");
const STAMP = "inputs.sha256";
// Far longer than a build takes: what is older was left behind by one that was killed.
const ABANDONED_AFTER_MS = 10 * 60_000;

const inputs = hashOfInputs();
if (!isBuilt()) await build();

async function build() {
  const started = performance.now();
  const fresh = join(DIST, `ide-fresh-${process.pid}`);
  removeAbandoned();
  try {
    // Vite heeds what it finds here, and the page would be React's development build.
    process.env.NODE_ENV = "production";
    const { build: viteBuild } = await import("vite");
    await viteBuild({
      configFile: join(ROOT, "ide/vite.config.js"),
      build: { outDir: fresh, emptyOutDir: true },
    });
    writeFileSync(join(fresh, STAMP), inputs);
    putInPlace(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  console.log(`Built the IDE page in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

/** Swaps the fresh build for the old one; another run that was quicker with the same inputs wins. */
function putInPlace(fresh) {
  const stale = join(DIST, `ide-stale-${process.pid}`);
  while (!isBuilt()) {
    rmSync(stale, { recursive: true, force: true });
    renameUnless("ENOENT", TARGET, stale);
    // Not empty: another run put its build there in between.
    renameUnless("ENOTEMPTY", fresh, TARGET);
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

function isBuilt() {
  try {
    return readFileSync(join(TARGET, STAMP), "utf8") === inputs;
  } catch {
    return false;
  }
}

/** One digest of everything that decides what the build gives. */
function hashOfInputs() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(ROOT, "ide"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  for (const file of [...sources, import.meta.filename, join(ROOT, "package-lock.json")]) {
    hash.update(file.slice(ROOT.length)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

function removeAbandoned() {
  mkdirSync(DIST, { recursive: true });
  for (const name of readdirSync(DIST).filter((entry) => /^ide-(fresh|stale)-\d+$/.test(entry))) {
    const folder = join(DIST, name);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > ABANDONED_AFTER_MS) rmSync(folder, { recursive: true, force: true });
  }
}
