import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, dropDatabase, query } from "./support/database.ts";
import { gatehouse, killAll, serve } from "./support/gateway-process.ts";

let databaseUrl: string;
let environment: Record<string, string>;
beforeAll(async () => {
  databaseUrl = await createDatabase("template0");
  environment = {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
  };
});
afterAll(async () => {
  await killAll();
  await dropDatabase(databaseUrl);
});

const run = (args: string[], more: Record<string, string> = {}) =>
  gatehouse(args, { ...environment, ...more }).exit;
const names = readdirSync(new URL("../migrations", import.meta.url))
  .map((file) => file.replace(/\.ts$/, ""))
  .toSorted();
const lines = (prefix: string) => names.map((name) => `${prefix} ${name}\n`).join("");

describe("gatehouse migrate", () => {
  it("goes up and down, says how it stands, and checks the entities", async () => {
    const steps: [string[], string | RegExp][] = [
      [["migrate", "status"], lines("pending ")],
      [["migrate", "up"], lines("applied")],
      [["migrate", "up"], "nothing to apply\n"],
      [["migrate", "check"], "entities and migrations agree\n"],
      [["migrate", "status"], new RegExp(`^(applied  \\w+  \\d{4}-.*Z\n){${names.length}}$`)],
      ...names.toReversed().map((name): [string[], string] => [["migrate", "down"], `took back ${name}\n`]),
      [["migrate", "down"], "nothing to take back\n"],
    ];
    for (const [args, stdout] of steps) {
      const exit = await run(args);
      expect([exit.code, exit.stderr]).toEqual([0, ""]);
      expect(exit.stdout).toMatch(stdout);
    }
    const [left] = await query(
      databaseUrl,
      "select count(*)::int from pg_tables where tablename in ('users', 'sessions', 'signing_keys')",
    );
    expect(left).toEqual({ count: 0 });
    const lacking = await run(["migrate", "check"]);
    expect(lacking.code).toBe(1);
    expect(lacking.stderr).toMatch(/^gatehouse: The database lacks \d+ migrations /);
  });

  it("applies once when many ask at once", async () => {
    const exits = await Promise.all([1, 2, 3].map(() => run(["migrate", "up"])));
    expect(exits.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(exits.map(({ stdout }) => stdout).toSorted()).toEqual([
      lines("applied"),
      "nothing to apply\n",
      "nothing to apply\n",
    ]);
  });
});

describe("gatehouse createsuperuser", () => {
  it("takes flags and environment, and the rules of register", async () => {
    const options = ["createsuperuser", "--email", "root@Example.com", "--username", "root"];
    const short = await run(options, { GATEHOUSE_SUPERUSER_PASSWORD: "short" });
    expect(short).toMatchObject({
      code: 1,
      stderr: "gatehouse: password: Ensure this field has at least 8 characters.\n",
    });
    const common = await run(options, { GATEHOUSE_SUPERUSER_PASSWORD: "Password1" });
    expect(common).toMatchObject({ code: 1, stderr: "gatehouse: password: This password is too common.\n" });
    const made = await run(options, { GATEHOUSE_SUPERUSER_PASSWORD: "long enough" });
    expect(made).toMatchObject({ code: 0, stdout: "made the superuser root\n", stderr: "" });
    expect(
      await query(
        databaseUrl,
        "select email, is_staff, is_superuser, password_hash like '$argon2id$%' as hashed from users",
      ),
    ).toEqual([{ email: "root@example.com", is_staff: true, is_superuser: true, hashed: true }]);
    const twice = await run(options, { GATEHOUSE_SUPERUSER_PASSWORD: "long enough" });
    expect(twice.stderr).toBe(
      "gatehouse: email: user with this email already exists.\ngatehouse: username: user with this username already exists.\n",
    );
    // What Node makes of arguments in Latin-1.
    const misread = await run(["createsuperuser", "--email", "b@example.com", "--username", "bj\ufffdrn"], {
      GATEHOUSE_SUPERUSER_PASSWORD: "long enough",
    });
    expect(misread).toMatchObject({ code: 1, stderr: "gatehouse: username: This is not valid UTF-8.\n" });
    const asked = await run(options);
    expect(asked.stderr).toBe(
      "gatehouse: There is no terminal to ask on: set GATEHOUSE_SUPERUSER_PASSWORD.\n",
    );
  });

  it("says what to do about a database that is not migrated", async () => {
    const empty = await createDatabase("template0");
    const options = ["createsuperuser", "--email", "r@example.com", "--username", "r"];
    const more = { DATABASE_URL: empty, GATEHOUSE_SUPERUSER_PASSWORD: "long enough" };
    expect((await run(options, more)).stderr).toMatch(
      /^gatehouse: The database lacks \d+ migrations .*migrate up/,
    );
    expect((await run(options, { ...more, MIGRATE_ON_START: "on" })).code).toBe(0);
    await dropDatabase(empty);
  });

  it("works beside a gateway on the same data directory", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "gatehouse-cli-"));
    await serve({ DATA_DIR: dataDir });
    const made = await gatehouse(["createsuperuser", "--email", "r@example.com", "--username", "r"], {
      DATA_DIR: dataDir,
      GATEHOUSE_SUPERUSER_PASSWORD: "long enough",
    }).exit;
    expect(made).toMatchObject({ code: 0, stdout: "made the superuser r\n" });
    await killAll();
    await rm(dataDir, { recursive: true });
  });
});

describe("gatehouse schema", () => {
  it.each([["--check"], ["--check", "--subgraph"]])(
    "agrees with the files of the repository, without a database: %s %s",
    async (...options) => {
      const check = await gatehouse(["schema", ...options], {}).exit;
      expect(check).toMatchObject({ code: 0, stderr: "" });
    },
  );
});

describe("gatehouse", () => {
  it("teaches by --help", async () => {
    const { code, stdout } = await gatehouse(["--help"], {}).exit;
    expect(code).toBe(0);
    for (const command of ["serve", "migrate", "createsuperuser", "keys", "events", "shell", "schema"])
      expect(stdout).toContain(`  ${command}`);
  });

  it("says what is wrong with the configuration, a line for each fault", async () => {
    const { code, stderr } = await gatehouse(["serve"], {
      PORT: "high",
      JWT_SECRET: "short",
      JWT_ALGORITHM: "EdDSA",
      ENCRYPTION_KEY: `${"long enough ".repeat(3)},short`,
      ACCESS_TOKEN_TTL: "15",
      IDE: "yes",
      CORS_ORIGINS: "*",
      TRUST_PROXY: "on",
      RATE_LIMIT_PASSWORD: "10",
      DATABASE_URL: "mysql://x",
      ARGON2_MEMORY: "8",
      ARGON2_PARALLELISM: "4",
    }).exit;
    expect(code).toBe(1);
    expect(stderr.split("\n").filter(Boolean)).toEqual([
      "gatehouse: PORT takes a whole number from 0 to 65535",
      "gatehouse: DATABASE_URL takes a URL such as postgresql://user:password@host:5432/database",
      "gatehouse: JWT_ALGORITHM takes ES256, RS256, PS256 or HS256",
      "gatehouse: JWT_SECRET takes 32 bytes or more; `openssl rand -base64 48` makes one",
      "gatehouse: ENCRYPTION_KEY takes 32 bytes or more; `openssl rand -base64 48` makes one. Several are separated by commas: the first is the present one",
      "gatehouse: ACCESS_TOKEN_TTL takes a number above 0 and a unit: s, m, h or d, as in 15m",
      "gatehouse: CORS_ORIGINS takes origins such as https://app.example.com, separated by commas",
      "gatehouse: TRUST_PROXY takes off, the number of proxies in front (1 to 99), or their addresses or networks, separated by commas",
      "gatehouse: RATE_LIMIT_PASSWORD takes a number and a duration, as in 10/15m",
      "gatehouse: IDE takes on or off",
    ]);
    const odd = await gatehouse(["serve"], { PORT: "0x1F90", TRUST_PROXY: "1000", REFRESH_GRACE: "soon" })
      .exit;
    expect(odd.stderr.split("\n").map((line) => line.split(" ", 2)[1])).toEqual([
      "PORT",
      "REFRESH_GRACE",
      "TRUST_PROXY",
      undefined,
    ]);
    const missing = await gatehouse(["serve"], { DATABASE_URL: "postgresql://x@127.0.0.1/x" }).exit;
    expect(missing.stderr).toBe(
      "gatehouse: ENCRYPTION_KEY is required with DATABASE_URL, to seal the signing keys: 32 bytes or more; " +
        "`openssl rand -base64 48` makes one\n",
    );
    const shared = await gatehouse(["serve"], {
      DATABASE_URL: "postgresql://x@127.0.0.1/x",
      JWT_ALGORITHM: "HS256",
    }).exit;
    expect(shared.stderr).toBe(
      "gatehouse: JWT_SECRET is required with DATABASE_URL and JWT_ALGORITHM=HS256: 32 bytes or more; " +
        "`openssl rand -base64 48` makes one\n",
    );
  });

  it("runs what the shell is told, with services and entities at hand", async () => {
    const shell = gatehouse(["shell"], environment);
    const { stdout } = await shell.exit;
    expect(stdout).toContain("Loaded: orm, em, User, Session, accounts, sessions, hasher.");
  });
});

it("says in one line that a Node is too old", async () => {
  const directory = await mkdtemp(join(tmpdir(), "gatehouse-node-"));
  const preload = join(directory, "old.mjs");
  await writeFile(preload, `Object.defineProperty(process.versions, "node", { value: "20.1.0" });`);
  const { code, stderr } = await gatehouse(["serve"], { NODE_OPTIONS: `--import=${preload}` }).exit;
  await rm(directory, { recursive: true });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^gatehouse needs Node 24 or newer and was started on v[\d.]+; .*\n$/);
});
