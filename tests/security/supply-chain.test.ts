import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judge, readAllowed } from "../../scripts/audit-judgement.ts";

interface LockedPackage {
  version?: string;
  integrity?: string;
  resolved?: string;
  hasInstallScript?: true;
}

interface Manifest {
  allowScripts: Record<string, boolean>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const json = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const manifest: Manifest = await json("package.json");
const { packages }: { packages: Record<string, LockedPackage> } = await json("package-lock.json");
const installed = Object.entries(packages).filter(([path]) => path !== "");
const nameIn = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

describe("what is installed", () => {
  it("runs no script of a package that package.json does not name", async () => {
    const withScripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(Object.keys(manifest.allowScripts).toSorted()).toEqual(
      [...new Set(withScripts.map(([path]) => nameIn(path)))].toSorted(),
    );
    // npm from 11.19 on refuses the installation itself.
    expect(await readFile(".npmrc", "utf8")).toMatch(/^strict-allow-scripts=true$/m);
  });

  it("comes from the registry, at one version, with its digest", () => {
    for (const [path, { integrity, resolved }] of installed)
      expect([path, integrity?.slice(0, 7), resolved]).toEqual([path, "sha512-", undefined]);
    const asked = [manifest.dependencies, manifest.optionalDependencies, manifest.devDependencies];
    for (const version of asked.flatMap(Object.values)) expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  it("is listed by `npm run sbom`, every dependency of ours at its version", async () => {
    const { stdout } = await run("npm", ["run", "--silent", "sbom"]);
    const bom: { bomFormat: string; components: { name: string; version: string }[] } = JSON.parse(stdout);
    expect(bom.bomFormat).toBe("CycloneDX");
    const listed = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
    const asked = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };
    expect(Object.entries(asked).filter(([name, version]) => !listed.has(`${name}@${version}`))).toEqual([]);
  });
});

describe("npm run audit", () => {
  const advisory = {
    url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
    title: "Lets anybody in",
    vulnerable_versions: "<2.0.0",
    cwe: [],
    cvss: {},
  };
  let registry: Server;
  let project: string;
  let severity: string | undefined;

  beforeAll(async () => {
    registry = createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      if (request.method === "GET") {
        const versions = { "1.0.0": { name: "a-gate", version: "1.0.0", dist: {} } };
        response.end(JSON.stringify({ name: "a-gate", "dist-tags": { latest: "1.0.0" }, versions }));
      } else if (severity === undefined) {
        response.writeHead(405).end();
      } else {
        // npm keeps what it has worked out for an id.
        response.end(JSON.stringify({ "a-gate": [{ ...advisory, severity, id: severity.length }] }));
      }
    });
    await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
    project = await mkdtemp(join(tmpdir(), "gatehouse-audit-"));
    await mkdir(join(project, ".ci"));
    await writeFile(join(project, ".ci/audit-allowed.json"), "[]");
    await cp("scripts", join(project, "scripts"), { recursive: true });
    const dependencies = { "a-gate": "1.0.0" };
    const root = { name: "project", version: "1.0.0", dependencies };
    await writeFile(join(project, "package.json"), JSON.stringify({ ...root, type: "module" }));
    await writeFile(
      join(project, "package-lock.json"),
      JSON.stringify({
        ...root,
        lockfileVersion: 3,
        packages: { "": root, "node_modules/a-gate": { version: "1.0.0" } },
      }),
    );
  });
  afterAll(async () => {
    registry.close();
    await rm(project, { recursive: true });
  });

  /** @param known what the registry says of a-gate; undefined: it serves no audits */
  async function audit(known: string | undefined, port = (registry.address() as AddressInfo).port) {
    severity = known;
    const npmSettings = {
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_cache: project,
    };
    return run(process.execPath, [join(project, "scripts/audit.ts")], { ...process.env, ...npmSettings });
  }

  it("fails for what npm knows to be grave, and goes on for the rest", async () => {
    expect(await audit("critical")).toEqual({
      code: 1,
      stdout: "",
      stderr: "audit: critical: a-gate: Lets anybody in (GHSA-aaaa-bbbb-cccc)\n",
    });
    expect(await audit("low")).toEqual({
      code: 0,
      stdout: "audit: nothing of level high or critical beyond what is allowed\n",
      stderr: "",
    });
  });

  it("says so and goes on where the registry serves no audits, or is not reached", async () => {
    expect(await audit(undefined)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("could not be asked, so nothing is known: 405"),
    });
    expect(await audit(undefined, 9)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("could not be asked, so nothing is known"),
    });
  });

  it("fails where npm cannot begin", async () => {
    await rm(join(project, "package-lock.json"));
    expect(await audit("low")).toMatchObject({ code: 1, stderr: expect.stringContaining("lockfile") });
  });
});

describe("the list of what the audit allows", () => {
  const finding = { advisory: "GHSA-aaaa-bbbb-cccc", package: "a-gate", severity: "high", title: "Lets in" };
  const entry = {
    advisory: "GHSA-aaaa-bbbb-cccc",
    package: "a-gate",
    reason: "no way leads there",
    until: "2026-06-30",
  };
  const ended = "the entry for GHSA-aaaa-bbbb-cccc (a-gate) ended on 2026-06-30";

  it("lets one vulnerability of one package pass until a day", () => {
    const found = [finding];
    expect(judge({ found }, [entry], "2026-06-30").faults).toEqual([]);
    expect(judge({ found }, [entry], "2026-06-30").notes[0]).toMatch(
      /^allowed until 2026-06-30 because no way/,
    );
    expect(judge({ found }, [entry], "2026-07-01").faults).toEqual([ended]);
    for (const other of [{ package: "b" }, { advisory: "GHSA-dddd-dddd-dddd" }])
      expect(judge({ found }, [{ ...entry, ...other }], "2026-06-30").faults).toEqual([
        "high: a-gate: Lets in (GHSA-aaaa-bbbb-cccc)",
      ]);
  });

  it("is told of what it has no more use for, and ends without an answer of the registry, too", () => {
    expect(judge({ found: [] }, [entry], "2026-06-30")).toMatchObject({
      faults: [],
      notes: ["the entry for GHSA-aaaa-bbbb-cccc (a-gate) is of no more use: remove it", expect.anything()],
    });
    expect(judge({ notAsked: "405" }, [entry], "2026-07-01").faults).toEqual([ended]);
  });

  it("takes no entry without an advisory, a package, a reason and a day", async () => {
    for (const missing of [{ advisory: "x" }, { package: "" }, { reason: "" }, { until: "2026-13-01" }])
      expect(() => readAllowed(JSON.stringify([{ ...entry, ...missing }]))).toThrow(/each entry needs/);
    expect(readAllowed(await readFile(".ci/audit-allowed.json", "utf8"))).toBeInstanceOf(Array);
  });
});

function run(file: string, args: string[], env = process.env) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(file, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}
