// Fails when `npm audit` knows of a vulnerability of level high or critical that .ci/audit-allowed.json does not allow.
// No network, or a registry that serves no audits, is no finding: it is said, and the checks go on.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { judge, readAllowed, readFindings } from "./audit-judgement.ts";

const root = join(import.meta.dirname, "..");
const allowed = readAllowed(readFileSync(join(root, ".ci/audit-allowed.json"), "utf8"));
// npm looks at package-lock.json alone; a registry that does not answer must not hold the checks up.
const npm = spawnSync("npm", ["audit", "--json", "--fetch-retries=0", "--fetch-timeout=20000"], {
  cwd: root,
  encoding: "utf8",
  shell: process.platform === "win32",
});
const findings = readFindings(npm.stdout ?? "");
const { faults, notes } = judge(findings, allowed, new Date().toISOString().slice(0, 10));
for (const note of notes) console.log(`audit: ${note}`);
for (const fault of faults) console.error(`audit: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
