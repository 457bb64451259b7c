import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { until } from "./support/until.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "bin/gatehouse.js");
/** Listens to nothing: whoever asks a registry fails. */
const noRegistry = { npm_config_registry: "http://127.0.0.1:1/", npm_config_fetch_retries: "0" };

let elsewhere: string;
beforeAll(() => {
  elsewhere = mkdtempSync(join(tmpdir(), "gatehouse elsewhere-"));
});
afterAll(() => rmSync(elsewhere, { recursive: true }));

/** npm's program in that version, from the registry once; undefined where none can be reached. */
async function npmOf(major: number): Promise<string | undefined> {
  const folder = join(root, "node_modules/.cache/gatehouse-npm", String(major));
  const program = join(folder, "node_modules/npm/bin/npm-cli.js");
  if (existsSync(program)) return program;
  const options = ["--prefix", folder, "--no-save", "--ignore-scripts", "--no-audit", "--fetch-retries=0"];
  mkdirSync(folder, { recursive: true });
  await run("npm", ["install", ...options, `npm@${major}`], { timeout: 60_000 }).catch(() => {});
  return existsSync(program) ? program : undefined;
}

/** The machine's own Node, where that is another one. */
const oldNode = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .map((folder) => join(folder, "node"))
  .find((file) => {
    const { stdout } = spawnSync(file, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" });
    return Number(stdout) >= 20 && Number(stdout) < 24;
  });
const nodes = [process.execPath, ...(oldNode === undefined ? [] : [oldNode])];

const npms = await Promise.all([10, 11, 12].map(async (major) => ({ major, npm: await npmOf(major) })));
const callers = npms.flatMap(({ major, npm }) =>
  // npm 12 does without older ones than Node 22.
  (major === 12 ? [process.execPath] : nodes).map((node) => ({ major, npm, node })),
);

describe.each(callers)("npm $major on $node", ({ major, npm, node }) => {
  // Only where the registry cannot be reached, from which that npm comes.
  const test = npm === undefined ? it.skip : it;

  const byNpm = (args: string[], cwd: string) =>
    run(node, [npm ?? "", ...args], {
      cwd,
      env: {
        PATH: [dirname(node), "/usr/bin", "/bin"].join(delimiter),
        HOME: elsewhere,
        npm_config_cache: join(elsewhere, `cache-${major}`),
        ...noRegistry,
      },
    });

  test("runs the command from another folder", async () => {
    const { stdout } = await byNpm(["exec", "--call", `node "${command}" migrate --help`], elsewhere);
    expect(stdout).toMatch(/^Usage: gatehouse migrate/);
  });
});

describe.each(nodes)("on %s", (node) => {
  const children: ReturnType<typeof spawn>[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  it("passes on the exit code and the error", async () => {
    const failure = run(node, [command, "migrate", "status"], {
      cwd: elsewhere,
      env: { NODE_ENV: "production" },
    });
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^gatehouse: DATABASE_URL is required/),
    });
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("leaves nothing running after %s", async (signal) => {
    const DATABASE_URL = await createDatabase();
    const child = spawn(node, [command, "serve"], {
      cwd: elsewhere,
      env: { PORT: "0", DATABASE_URL, ENCRYPTION_KEY: "a secret of thirty-two bytes or more" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    const ready = () => /"address":"([^"]+)".*"msg":"ready"/.exec(output)?.[1];
    await until(() => ready() !== undefined, 120_000);
    const closed = once(child, "exit");
    child.kill(signal);
    expect(await closed).toEqual(signal === "SIGTERM" ? [0, null] : [null, "SIGKILL"]);
    await until(async () =>
      fetch(`${ready()}/health/live`).then(
        () => false,
        () => true,
      ),
    );
    await dropDatabase(DATABASE_URL);
  });
});

/** What is there before anything is built. */
function bareInstall(): string {
  const folder = mkdtempSync(join(elsewhere, "bare-"));
  for (const name of ["bin", "scripts", "node_modules"]) mkdirSync(join(folder, name));
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
  for (const name of ["bin", "scripts"])
    for (const file of readdirSync(join(root, name)).filter((entry) => entry.endsWith(".js")))
      copyFileSync(join(root, name, file), join(folder, name, file));
  return folder;
}
const nodeIn = (folder: string, file: string) =>
  spawnSync(process.execPath, [join(folder, file)], { cwd: folder, encoding: "utf8" });

describe("an install without the development dependencies", () => {
  it("fails when nothing is built, and says what to do", () => {
    const folder = bareInstall();
    const built = nodeIn(folder, "scripts/build.js");
    expect(built.status).toBe(1);
    expect(built.stderr).toContain("Run `npm ci --include=dev`");
    const started = nodeIn(folder, "bin/gatehouse.js");
    expect(started.status).toBe(1);
    expect(started.stderr).toMatch(/^gatehouse is not built yet: run `npm ci --include=dev` .*\n$/);
  });

  it("uses what was built before", () => {
    const folder = bareInstall();
    mkdirSync(join(folder, "dist/bundle"), { recursive: true });
    writeFileSync(join(folder, "dist/bundle/gatehouse.js"), "export const run = () => console.log('built');");
    expect(nodeIn(folder, "scripts/build.js")).toMatchObject({ status: 0, stderr: "" });
    expect(nodeIn(folder, "bin/gatehouse.js")).toMatchObject({ status: 0, stdout: "built\n" });
  });
});

it("no document or message tells anyone to run or install `gatehouse` from npm", () => {
  const documents = spawnSync("git", ["ls-files", "*.md", "*.ts", "*.js"], {
    cwd: root,
    encoding: "utf8",
  }).stdout.split("\n");
  const told = documents
    .filter((file) => file !== "" && !/^(tests|docs\/decisions|CHANGELOG)/.test(file))
    .filter((file) =>
      /npx (?:-\S+ )*gatehouse\b|npm (?:i|install|exec) (?:-\S+ )*gatehouse(?!-)\b|from "gatehouse\//.test(
        readFileSync(join(root, file), "utf8"),
      ),
    );
  expect(told).toEqual([]);
});
