import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { FakeGateway } from "./fake-gateway.ts";
import { audience, issuer, sign } from "./tokens.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const adapters = ["apollo", "express", "fastify", "yoga"];

let project: string;
let gateway: FakeGateway;

beforeAll(async () => {
  gateway = await FakeGateway.start();
  project = await mkdtemp(join(tmpdir(), "gatehouse-consumer-"));
  await installPackedTarball();
});

afterAll(async () => {
  await gateway.stop();
  await rm(project, { recursive: true });
});

describe("the packed tarball in an empty project", () => {
  it("has neither the server's libraries nor a framework beside it", () => {
    const { resolve } = createRequire(join(project, "index.js"));
    for (const name of [
      "@apollo/server",
      "@mikro-orm/core",
      "fastify",
      "graphql",
      "pg",
      "express",
      "graphql-yoga",
    ])
      expect(() => resolve(name)).toThrow("Cannot find module");
  });

  it("verifies a token, and lets the process end with the stream open", async () => {
    const { code, stdout } = await runScript(`
      const verifier = createVerifier(options);
      const { sid } = await verifier.verify(token);
      const reason = await verifier.verify(token + "x").catch((error) => error.reason);
      console.log(JSON.stringify({ sid, reason, fresh: verifier.staleness() < 5 }));
    `);
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({
      code: 0,
      sid: "6f2d6c4e-2d3b-4d0c-9d26-0f7b6c1f7c11",
      reason: "TOKEN_INVALID",
      fresh: true,
    });
  });

  it("ends the process while the gateway hangs, but not under a caller who waits", async () => {
    gateway.mood = "hanging";
    const idle = await runScript("createVerifier(options);");
    const waiting = await runScript(`
      const timings = { startTimeout: 1 };
      const verifier = createVerifier({ ...options, timings });
      console.log(await verifier.verify(token).catch((error) => error.reason));
    `);
    gateway.mood = "well";
    expect([idle.code, waiting.code]).toEqual([0, 0]);
    expect(idle.milliseconds).toBeLessThan(4000);
    expect(waiting.stdout).toBe("VERIFIER_UNAVAILABLE\n");
  });

  it("has adapters that need no framework to be loaded", async () => {
    const { stdout } = await runScript(`
      for (const name of ${JSON.stringify(adapters)})
        console.log(...Object.keys(await import("gatehouse-auth/verify/" + name)));
    `);
    expect(stdout.split("\n").filter(Boolean)).toEqual([
      "apolloContext",
      "claimsOf expressAuth",
      "claimsOf fastifyAuth",
      "yogaAuth",
    ]);
  });

  it("shows nothing of the server", async () => {
    const { stdout } = await runScript(`
      for (const path of ["gatehouse-auth", "gatehouse-auth/dist/app.js", "gatehouse-auth/verify/key-set"])
        console.log(await import(path).catch((error) => error.code));
    `);
    expect(new Set(stdout.trim().split("\n"))).toEqual(new Set(["ERR_PACKAGE_PATH_NOT_EXPORTED"]));
  });

  it("is typed for a strict consumer that checks declarations, too", async () => {
    await writeFile(join(project, "consumer.mts"), consumer);
    await writeFile(join(project, "tsconfig.json"), JSON.stringify(consumerOptions));
    const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
    const { code, stdout } = await nodeRun([join(compiler, "bin", "tsc"), "-p", project]);
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });

  it("holds what the gateway itself needs", async () => {
    const contents = await readdir(join(project, "node_modules", "gatehouse-auth"));
    const needed = [
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "migrations",
      "package.json",
      "schema.graphql",
      "subgraph.graphql",
      "scripts",
    ];
    expect(contents.toSorted()).toEqual(needed.toSorted());
  });
});

const consumerOptions = {
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    types: [],
    noEmit: true,
  },
  files: ["consumer.mts"],
};

const consumer = `
import { createVerifier, VerificationError } from "gatehouse-auth/verify";
import type { AccessTokenClaims, VerificationReason, Verifier } from "gatehouse-auth/verify";
import { apolloContext } from "gatehouse-auth/verify/apollo";
import { claimsOf, expressAuth } from "gatehouse-auth/verify/express";
import { fastifyAuth } from "gatehouse-auth/verify/fastify";
import { yogaAuth } from "gatehouse-auth/verify/yoga";

const verifier = createVerifier<{ role: string }>({ issuer: "i", audience: "a", jwksUri: "https://i/jwks.json" });
const general: Verifier = verifier;
export async function whoIs(token: string | undefined): Promise<[string, string, number, VerificationReason?]> {
  try {
    const { sub, role, exp } = await verifier.verify(token);
    return [sub, role, exp];
  } catch (error) {
    if (error instanceof VerificationError) return ["", "", 0, error.reason];
    throw error;
  }
}
export const context: (argument: { req: { headers: { authorization?: string } } }) => Promise<{ claims: { role: string } }> =
  apolloContext(verifier);
export const all = [expressAuth(general), fastifyAuth(general), yogaAuth(general)];
export const claims: AccessTokenClaims = claimsOf({});
// @ts-expect-error: only what the type names is known of the claims
export const unknownClaim = claims.role;
// @ts-expect-error: the audience is not optional
createVerifier({ issuer: "i", jwksUri: "https://i/jwks.json" });
`;

async function installPackedTarball(): Promise<void> {
  const packing = ["pack", "--ignore-scripts", "--offline", "--json", "--pack-destination", project];
  const { stdout } = await run("npm", packing, { cwd: root, maxBuffer: 10_000_000 });
  const tarball = /"filename": "([^"]+)"/.exec(stdout)?.[1] ?? "";
  const modules = join(project, "node_modules");
  await mkdir(join(modules, "gatehouse-auth"), { recursive: true });
  const target = join(modules, "gatehouse-auth");
  await run("tar", ["-xzf", join(project, tarball), "--strip-components=1", "-C", target]);
  for (const name of ["jose", "eventsource-parser"])
    await cp(join(root, "node_modules", name), join(modules, name), { recursive: true });
}

/** Runs a script of the project, with a verifier's `options` and a `token`. */
async function runScript(lines: string) {
  const { jwksUri, revocations } = gateway;
  const token = await sign(gateway.key, { sid: "6f2d6c4e-2d3b-4d0c-9d26-0f7b6c1f7c11" });
  const file = join(project, "script.mjs");
  await writeFile(
    file,
    `import { createVerifier } from "gatehouse-auth/verify";
    const options = ${JSON.stringify({ issuer, audience, jwksUri, revocations })};
    const token = ${JSON.stringify(token)};
    ${lines}`,
  );
  return nodeRun([file]);
}

async function nodeRun(args: string[]) {
  const started = performance.now();
  const { code, stdout } = await run(process.execPath, args, { cwd: project, timeout: 30_000 })
    .then((output) => ({ code: 0, ...output }))
    .catch((error: { code: number; stdout: string; stderr: string }) => error);
  return { code, stdout, milliseconds: performance.now() - started };
}
