import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import { tokenSecrets } from "../../src/embedded-postgres/kept-secret.ts";
import { makeKeyPair } from "../../src/security/key-pair.ts";
import { deriveKey } from "../../src/security/derive-key.ts";
import { PasswordHasher } from "../../src/security/password-hasher.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-secrets-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("what is secret", () => {
  it("is as strong as 128 bits, or the gateway does not start (ASVS V11.2.3)", async () => {
    const { publicJwk } = await makeKeyPair("RS256");
    const key = createPublicKey({ key: publicJwk, format: "jwk" });
    expect(key.asymmetricKeyDetails?.modulusLength).toBeGreaterThanOrEqual(3072);
    expect((await makeKeyPair("ES256")).publicJwk).toMatchObject({ kty: "EC", crv: "P-256" });

    const database = { DATABASE_URL: "postgresql://a:b@localhost/c" };
    const short = "x".repeat(31);
    for (const JWT_ALGORITHM of ["HS256", "ES256"]) {
      const given = { ...database, JWT_ALGORITHM, JWT_SECRET: short, ENCRYPTION_KEY: short };
      expect(() => loadConfig(given)).toThrow(/JWT_SECRET takes 32 bytes or more[^]*ENCRYPTION_KEY takes 32/);
      expect(() => loadConfig({ ...database, JWT_ALGORITHM })).toThrow(/is required/);
    }
    for (const JWT_ALGORITHM of ["none", "HS1", "ES256K", "RS1"])
      expect(() => loadConfig({ ...database, JWT_ALGORITHM })).toThrow(/JWT_ALGORITHM takes/);
  });

  it("is made at random, of 128 bits and more (ASVS V11.5.1)", async () => {
    const made = new Set<string>();
    for (const [index, JWT_ALGORITHM] of ["HS256", "ES256", "HS256"].entries()) {
      const DATA_DIR = join(directory, String(index));
      await mkdir(DATA_DIR);
      const { jwtSecret, encryptionKeys } = await tokenSecrets(loadConfig({ DATA_DIR, JWT_ALGORITHM }));
      const secret = jwtSecret ?? encryptionKeys[0] ?? "";
      expect(Buffer.from(secret, "base64url")).toHaveLength(48);
      made.add(secret);
    }
    expect(made.size).toBe(3);
    // What is not for secrets may serve for pauses only.
    for (const file of await sources())
      for (const line of (await readFile(file, "utf8")).split("\n"))
        if (line.includes("Math.random"))
          expect([file, line.trim()]).toEqual([
            expect.stringMatching(/removal\.ts$|keep-doing\.ts$/),
            expect.stringMatching(/pause|seconds/),
          ]);
  });

  it("is no password once it is stored: argon2id, as OWASP sets it (ASVS V11.4.2)", async () => {
    const hasher = new PasswordHasher(loadConfig({}).passwordHashing, deriveKey);
    const [first, second] = [await hasher.hash("correct horse"), await hasher.hash("correct horse")];
    const [, type, version, cost, salt = "", digest = ""] = first.split("$");
    expect([type, version, cost]).toEqual(["argon2id", "v=19", "m=19456,t=2,p=1"]);
    expect(Buffer.from(salt, "base64").length).toBeGreaterThanOrEqual(16);
    expect(Buffer.from(digest, "base64").length).toBeGreaterThanOrEqual(32);
    expect(second.split("$")[4]).not.toBe(salt);
  });

  it("stands in no file of the project, and is not packed (ASVS V13.3.1)", async () => {
    const pack = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const [{ files }] = JSON.parse(execFileSync("npm", pack, { encoding: "utf8" })) as [
      { files: { path: string }[] },
    ];
    const packed = files.map(({ path }) => path);
    const ignored = await readFile(".gitignore", "utf8");
    for (const name of [".env", ".data/"]) {
      expect(ignored.split("\n")).toContain(name);
      expect(packed.filter((path) => path.startsWith(name) || path.includes(`/${name}`))).toEqual([]);
    }
    expect(packed.length).toBeGreaterThan(100);

    const example = await readFile(".env.example", "utf8");
    expect(example).not.toMatch(/^(?:# )?(?:JWT_SECRET|ENCRYPTION_KEY|DATABASE_URL)=[^\s#]/m);
    const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}/;
    // JWT_SECRET: "…" of the code itself; a test may have made-up ones.
    const assigned =
      /(?:secret|password|encryption_?key|api_?key)["']?\s*[:=]\s*["'`][A-Za-z0-9+/_-]{24,}["'`]/i;
    for (const file of [...packed, ".env.example", ".ci/run", "package.json"]) {
      const text = await readFile(file, "utf8");
      expect([file, privateKey.test(text)]).toEqual([file, false]);
      if (!file.startsWith("dist/ide/")) expect([file, assigned.exec(text)?.[0]]).toEqual([file, undefined]);
    }
  });
});

async function sources(): Promise<string[]> {
  const files = await readdir("src", { recursive: true });
  return files.filter((file) => file.endsWith(".ts")).map((file) => join("src", file));
}
