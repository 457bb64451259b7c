// Writes docs/security/asvs.md: how each requirement stands. `--check` only compares.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { anchorsOf, asMarkdown, judge, titlesIn } from "./asvs-map.ts";
import type { Answers, Requirement } from "./asvs-map.ts";

const root = join(import.meta.dirname, "..");
const target = "docs/security/asvs.md";
const read = (path: string) => readFileSync(join(root, path), "utf8");

const [source, ...lines] = read("docs/security/asvs.jsonl").trim().split("\n");
const requirements = lines.map((line) => JSON.parse(line) as Requirement);
const answers = JSON.parse(read("docs/security/asvs-answers.json")) as Answers;
const tests = readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".test.ts"))
  .map((path) => `tests/${path.replaceAll("\\", "/")}`)
  .toSorted()
  .flatMap((path) => titlesIn(read(path)).map((title) => ({ path, ...title })));

const { verdicts, faults } = judge(requirements, tests, answers, (path) => anchorsOf(read(path)));
const { source: origin } = JSON.parse(source ?? "{}") as { source?: string };
const text = asMarkdown(verdicts, origin ?? "");

for (const fault of faults) console.error(`asvs: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else if (!process.argv.includes("--check")) writeFileSync(join(root, target), text);
else if (read(target) !== text) {
  console.error(`asvs: ${target} is not up to date: run \`npm run asvs\``);
  process.exitCode = 1;
}
