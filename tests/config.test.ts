import { describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/config.ts";
import { gatehouse } from "./support/gateway-process.ts";

const key = "a secret of thirty-two bytes or more";

it("README.md and .env.example name every variable, with the default that it has", async () => {
  const [source, readme, example] = await Promise.all(
    ["src/config/settings.ts", "README.md", ".env.example"].map((file) => readFile(file, "utf8")),
  );
  const variables = new Set(
    [...(source ?? "").matchAll(/^ {4}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name),
  );
  expect(variables.size).toBeGreaterThan(30);
  const rows = [...(readme ?? "").matchAll(/^\| `([A-Z][A-Z0-9_]+)` +\| (.*?) +\| .+\|$/gm)];
  const described = rows.filter(([, name]) => variables.has(name));
  expect(new Set(described.map(([, name]) => name))).toEqual(variables);
  const lines = [...(example ?? "").matchAll(/^# ([A-Z][A-Z0-9_]+)=(\S*)/gm)];
  expect(new Set(lines.map(([, name]) => name))).toEqual(variables);

  const unset = loadConfig({});
  for (const [, name = "", cell = ""] of [...described, ...lines]) {
    const [, value = cell] = /^`([^`]*)`/.exec(cell) ?? [];
    // What a default follows from is said in words, or is another variable.
    if (value === "" || variables.has(value) || value.includes(" ")) continue;
    expect([name, value, loadConfig({ [name]: value })]).toEqual([name, value, unset]);
  }
});

it.each(["1s", "23h"])(
  "AUTH_EVENTS_RETENTION=%s is refused: nobody is to wipe what was done today",
  (value) => {
    expect(() => loadConfig({ AUTH_EVENTS_RETENTION: value })).toThrow(
      "AUTH_EVENTS_RETENTION takes 1d or more",
    );
    expect(loadConfig({ AUTH_EVENTS_RETENTION: "24h" })).toHaveProperty("authEventsRetention", 86_400);
  },
);

describe("without DATABASE_URL", () => {
  const refused = /^DATABASE_URL is required with NODE_ENV=production or EMBEDDED_DATABASE=off/;

  it.each([{ NODE_ENV: "production" }, { EMBEDDED_DATABASE: "off" }])("%j is refused", (environment) => {
    expect(() => loadConfig(environment)).toThrow(refused);
  });

  it("EMBEDDED_DATABASE=on allows the embedded one in production", () => {
    expect(loadConfig({ NODE_ENV: "production", EMBEDDED_DATABASE: "on" })).toHaveProperty(
      "databaseUrl",
      undefined,
    );
  });

  it.each([
    ["serve"],
    ["createsuperuser", "--email", "r@example.com", "--username", "r"],
    ["migrate", "up"],
    ["keys", "list"],
    ["events"],
    ["shell"],
  ])("no command makes a database in production: %s", async (...args) => {
    const dataDir = join(tmpdir(), `gatehouse-${randomUUID()}`);
    const { code, stderr } = await gatehouse(args, {
      NODE_ENV: "production",
      DATA_DIR: dataDir,
      GATEHOUSE_SUPERUSER_PASSWORD: "long enough",
    }).exit;
    expect(code).toBe(1);
    expect(stderr.replace("gatehouse: ", "")).toMatch(refused);
    expect(existsSync(dataDir)).toBe(false);
  });
});

it("EMBEDDED_DATABASE=on contradicts DATABASE_URL", () => {
  expect(() =>
    loadConfig({ EMBEDDED_DATABASE: "on", DATABASE_URL: "postgresql://h/db", ENCRYPTION_KEY: key }),
  ).toThrow("EMBEDDED_DATABASE takes off with DATABASE_URL");
});

describe("a value that would be misread is refused", () => {
  it.each([
    ["HOST", "127.0.0.1,::1"],
    ["HOST", "localhost:4000"],
    ["HOST", "[::1]"],
    ["HOST", "0"],
    ["HOST", "127.1"],
    ["HOST", " 127.0.0.1"],
    ["HOST", "127.0.0.1\r"],
    ["PORT", "4000,4001"],
    ["JWT_ISSUER", "https://a.example.com,https://b.example.com"],
    ["JWT_ISSUER", "https://a.example.com https://b.example.com"],
    ["JWT_ISSUER", "JWT_ISSUER=https://a.example.com"],
    ["JWT_AUDIENCE", '["one", "two"]'],
    ["JWT_AUDIENCE", "'gatehouse'"],
    ["JWT_AUDIENCE", "\u201cgatehouse\u201d"],
    ["JWT_AUDIENCE", "gate\u200bhouse"],
    ["JWT_SECRET", `${"old".repeat(11)},${"new".repeat(11)}`],
    ["DATABASE_URL", "postgresql://one,two/db"],
    ["DATABASE_URL", "postgresql://h/db?sslmod=require"],
    ["DATABASE_URL", "postgresql://h/db?ssl_mode=require"],
    ["DATABASE_URL", "postgresql://h/db?sslmode=on"],
    ["DATABASE_URL", "postgresql://h/db?sslmode=require&sslmode=disable"],
    ["DATABASE_URL", "postgresql://h/db?schema=one&schema=two"],
    ["DATABASE_URL", "postgresql://h/db?schema="],
    ["DATABASE_URL", "postgresql://h/db?schemas=one"],
    ["DATABASE_URL", "postgresql://h/db?currentSchema=one"],
    ["DATABASE_URL", "postgresql://h/db?search_path=one"],
    ["DATA_DIR", "~/data"],
    ["DATA_DIR", '".data"'],
    ["CLAIMS_FILE", "https://example.com/claims.json"],
    ["PWNED_PASSWORDS_URL", "https://a.example.com/,https://b.example.com/"],
    ["TRUST_PROXY", "10.0.0.0/8/16"],
    ["TRUST_PROXY", "10.0.0.0/8, 0.0.0.0/0"],
    ["TRUST_PROXY", "::/0"],
    ["TRUST_PROXY", "::ffff:0:0/96"],
    ["NODE_ENV", "production "],
    ["DATABASE_URL", "   "],
  ])("%s=%j", (name, value) => {
    expect(() => loadConfig({ ENCRYPTION_KEY: key, [name]: value })).toThrow(new RegExp(`^${name} `));
  });

  it.each([
    ["HOST", "::"],
    ["HOST", "fe80::1%eth0"],
    ["HOST", "auth-1.internal.example.com"],
    ["JWT_ISSUER", "https://[::1]:4000/"],
    ["DATABASE_URL", "postgresql://u:p%40ss%2Fword@h:5432/db?sslmode=verify-full&channel_binding=require"],
    ["DATABASE_URL", "postgresql:///db?host=/var/run/postgresql"],
    ["DATABASE_URL", "postgres://u:p w@[::1]/db"],
    ["JWT_SECRET", " a secret that ends with white space, as it may \n"],
  ])("but not %s=%j", (name, value) => {
    expect(() => loadConfig({ ENCRYPTION_KEY: key, [name]: value })).not.toThrow();
  });
});
