import { describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/config.ts";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { gatehouse, post, serve } from "./support/gateway-process.ts";

const key = "a secret of thirty-two bytes or more";

/** Each has the secret hunter2 where a typing mistake may put it. */
const urls = [
  " postgresql://u:hunter2@127.0.0.1:1/db",
  "\tpostgresql://u:hunter2@127.0.0.1:1/db",
  "postgresql://u:hunter2@127.0.0.1:1/db\n",
  "\u00a0postgresql://u:hunter2@127.0.0.1:1/db",
  "\ufeffpostgresql://u:hunter2@127.0.0.1:1/db",
  "'postgresql://u:hunter2@127.0.0.1:1/db'",
  "DATABASE_URL=postgresql://u:hunter2@127.0.0.1:1/db",
  "postgres:u:hunter2@127.0.0.1:1/db",
  "postgres:/u:hunter2@127.0.0.1:1/db",
  "u:hunter2@127.0.0.1:1/db",
  "mysql://u:hunter2@127.0.0.1:1/db",
  "postgresql://u:p/hunter2@127.0.0.1:1/db",
  "postgresql://u:1/hunter2@127.0.0.1:1/db",
  "postgresql://u:1?hunter2@127.0.0.1:1/db",
  "postgresql://u:1#hunter2@127.0.0.1:1/db",
  "postgresql://u:1#hunter2",
  "postgresql://u:hunter2\n@127.0.0.1:1/db",
  "postgresql://u:hunter2%@127.0.0.1:1/db",
  "postgresql://u:hunter2@127.0.0.1:port/db",
  "postgresql://u:hunter2@127.0.0.1,127.0.0.2:1/db",
  "postgresql://127.0.0.1:1/db?user=u&password=hunter2",
  "postgresql://127.0.0.1:1/db?sslmode=requir&password=hunter2",
  "postgresql://127.0.0.1:1/db?pasword=hunter2",
  "postgresql://u@127.0.0.1:1/db?sslkey=hunter2",
  "postgresql://u:hunter2@127.0.0.1:1/db?sslrootcert=/missing",
  "postgresql://u:hunter2 @127.0.0.1:1/db",
  "postgresql://u:hunter2@[::1/db",
];

describe("no message has a secret in it", () => {
  it.each(urls)("DATABASE_URL %j", async (url) => {
    const { code, stdout, stderr } = await gatehouse(["migrate", "status"], {
      DATABASE_URL: url,
      ENCRYPTION_KEY: key,
    }).exit;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gatehouse: .*DATABASE_URL/);
    expect(stdout + stderr).not.toContain("hunter2");
  });

  it.each([
    ["JWT_SECRET", "hunter2"],
    ["ENCRYPTION_KEY", `${key},hunter2`],
    ["PWNED_PASSWORDS_URL", "https://u:hunter2@range.example/"],
    ["PWNED_PASSWORDS_URL", " https://range.example/?key=hunter2"],
    ["HOST", "postgresql://u:hunter2@127.0.0.1/db"],
    ["DATA_DIR", "postgresql://u:hunter2@127.0.0.1/db"],
    ["CLAIMS_FILE", "https://u:hunter2@127.0.0.1/claims.json"],
    ["JWT_ISSUER", "https://u:hunter2@auth.example.com"],
    ["CLAIMS_NAMESPACE", "https://u:hunter2@auth.example.com"],
  ])("%s=%s", (name, value) => {
    const load = () => loadConfig(Object.assign({ CLAIMS_FILE: "claims.json" }, { [name]: value }));
    expect(load).toThrow(new RegExp(`^${name} takes`));
    expect(load).not.toThrow(/hunter2/);
  });

  it("CLAIMS_FILE that leads to another file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-secret-"));
    await writeFile(join(directory, "secret"), "hunter2 is not JSON");
    const { code, stderr } = await gatehouse(["serve"], {
      DATA_DIR: directory,
      PORT: "0",
      CLAIMS_FILE: join(directory, "secret"),
    }).exit;
    await rm(directory, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^gatehouse: CLAIMS_FILE .*secret: is not JSON: Unexpected token\b.*\n$/);
    expect(stderr).not.toContain("hunter");
  });

  it("in the log of a gateway whose database is dropped", async () => {
    const databaseUrl = await createDatabase();
    const gateway = await serve({ DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key, LOG_LEVEL: "trace" });
    await dropDatabase(databaseUrl);
    const login = `mutation { login(input: { username: "ada", password: "hunter2 hunter2" }) { token } }`;
    expect((await post(gateway.url, login)).errors).toHaveLength(1);
    gateway.child.kill("SIGTERM");
    const { stdout, stderr } = await gateway.exit;
    expect(stdout).toMatch(/database \\"test_\w+\\" does not exist/);
    for (const secret of [key, "hunter2", new URL(databaseUrl).password])
      expect(stdout + stderr).not.toContain(secret);
  });
});
