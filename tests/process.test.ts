import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { findPostmaster } from "../src/embedded-postgres/postmaster.ts";
import { createDatabase, databaseUrl as databaseUrlOf, dropDatabase, query } from "./support/database.ts";
import { gatehouse, killAll, post, serve } from "./support/gateway-process.ts";
import { until } from "./support/until.ts";

const registration = `mutation { register(input: { email: "ada@example.com", username: "ada", password: "a password" }) { token } }`;
const encryptionKey = "a secret of thirty-two bytes or more";

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gatehouse-process-"));
});
afterAll(async () => {
  await killAll();
  await rm(dataDir, { recursive: true });
});

describe("gatehouse serve, embedded", () => {
  it("keeps accounts and tokens over a kill -9, and takes over the database that is left", async () => {
    const first = await serve({ DATA_DIR: dataDir });
    const { data } = await post(first.url, registration);
    const data_ = join(dataDir, "postgres", "data");
    const postmaster = await findPostmaster(data_);

    const second = await gatehouse(["serve"], { PORT: "0", DATA_DIR: dataDir }).exit;
    expect([second.code, second.stdout]).toEqual([1, ""]);
    expect(second.stderr).toBe(
      `gatehouse: Another gateway already runs on DATA_DIR ${dataDir}; stop it or set another DATA_DIR.\n`,
    );
    expect(
      (await post(first.url, "{ me { username } }", `Token ${data.register.token}`)).errors,
    ).toBeUndefined();

    first.child.kill("SIGKILL");
    await first.exit;
    const next = await serve({ DATA_DIR: dataDir });
    expect(await findPostmaster(data_)).toMatchObject({ pid: postmaster?.pid });
    expect(await post(next.url, "{ me { username } }", `Token ${data.register.token}`)).toEqual({
      data: { me: { username: "ada" } },
    });

    next.child.kill("SIGTERM");
    expect(await next.exit).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(await findPostmaster(data_)).toBeUndefined();
  });

  it("keeps its secrets from other users", async () => {
    expect((await stat(join(dataDir, "encryption-key"))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(dataDir, "encryption-key"), "utf8")).length).toBeGreaterThanOrEqual(32);
  });
});

describe("gatehouse serve, attacked", () => {
  it("keeps little of the documents that strangers send", async () => {
    const databaseUrl = await createDatabase();
    const gateway = await serve({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: encryptionKey,
      NODE_OPTIONS: "--max-old-space-size=200",
    });
    // Parsed, comments that are kept would be some megabytes a document.
    const comments = `${"#\n".repeat(900)}# ${"long ".repeat(18_000)}`;
    for (let count = 0; count < 150; count++)
      expect(await post(gateway.url, `{ __typename } ${comments}${count}`)).toEqual({
        data: { __typename: "Query" },
      });
    gateway.child.kill("SIGTERM");
    expect(await gateway.exit).toMatchObject({ code: 0 });
    await dropDatabase(databaseUrl);
  });

  it("does not sign with a secret that was cut off", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-secret-"));
    await writeFile(join(directory, "encryption-key"), "");
    const { code, stderr } = await gatehouse(["serve"], { PORT: "0", DATA_DIR: directory }).exit;
    expect([code, stderr]).toEqual([
      1,
      `gatehouse: ${directory}/encryption-key is damaged: restore it, or delete it: a new one is made, and everyone must sign in again.\n`,
    ]);
    await rm(directory, { recursive: true });
  });
});

describe("gatehouse serve, stopped while it starts", () => {
  it.each([
    ["its data directory is being made", /^postgres/],
    ["its database is there", /^postgres\/data$/],
    ["its database is starting", /^postgres\/data\/postmaster.pid$/],
  ])("leaves no database running: when %s", async (_when, path) => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-start-"));
    const gateway = gatehouse(["serve"], { PORT: "0", DATA_DIR: directory });
    await until(async () => {
      // A folder that is renamed while it is read makes the reading fail: that is no "not yet" for ever.
      const entries = await readdir(directory, { recursive: true }).catch(() => []);
      return entries.some((entry) => path.test(entry));
    });
    gateway.child.kill("SIGTERM");
    expect(await gateway.exit).toMatchObject({ code: 0, stderr: "" });
    expect(await findPostmaster(join(directory, "postgres", "data"))).toBeUndefined();
    await rm(directory, { recursive: true });
  });
});

describe("gatehouse serve, started by npm", () => {
  it("stops when npm is gone, which dies of a signal without passing it on", async () => {
    const databaseUrl = await createDatabase();
    const gateway = await serve(
      { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: encryptionKey, npm_lifecycle_event: "start" },
      ["sh", "-c", '"$0" "$@"; exit'],
    );
    gateway.child.kill("SIGTERM");
    // The shell's output is the gateway's too, so it is over only when both are gone.
    expect((await gateway.exit).signal).toBe("SIGTERM");
    expect(gateway.output.stdout).toMatch(/"cause":"npm is gone".*\n.*"msg":"stopped"/);
    await expect(fetch(gateway.url)).rejects.toThrow();
    await dropDatabase(databaseUrl);
  });
});

describe("gatehouse serve with DATABASE_URL", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("finishes what is in flight on %s and exits 0", async (signal) => {
    const databaseUrl = await createDatabase();
    const gateway = await serve({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: encryptionKey,
      ARGON2_MEMORY: "65536",
      ARGON2_TIME: "4",
    });
    const inFlight = fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: registration }),
    });
    // It has reached the database: the names are looked up right before the hashing begins.
    await until(async () => {
      const [row] = await query<{ seen: boolean }>(
        databaseUrl,
        "select exists (select from pg_stat_activity where datname = current_database() and query like '%username_key%' and pid <> pg_backend_pid()) as seen",
      );
      return row?.seen === true;
    });
    gateway.child.kill(signal);
    gateway.child.kill(signal);
    const answer = await inFlight;
    expect(answer.headers.get("connection")).toBe("close");
    expect(await answer.json()).toEqual({ data: { register: { token: expect.any(String) } } });
    expect(await gateway.exit).toMatchObject({ code: 0, signal: null });
    await expect(fetch(gateway.url)).rejects.toThrow();
    await dropDatabase(databaseUrl);
  });

  it("refuses a database that lacks migrations, unless told to apply them", async () => {
    const databaseUrl = await createDatabase("template0");
    const environment = { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: encryptionKey };
    const refused = await gatehouse(["serve"], { PORT: "0", ...environment }).exit;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^gatehouse: The database lacks \d+ migrations \(20261122000000_accounts_and_sessions, .*\): run `node bin\/gatehouse\.js migrate up`, or set MIGRATE_ON_START=on\.\n$/,
    );
    const replicas = await Promise.all([
      serve({ ...environment, MIGRATE_ON_START: "on" }),
      serve({ ...environment, MIGRATE_ON_START: "on" }),
    ]);
    // What one replica signed, the other takes; what one ended, the other refuses.
    const [one, other] = replicas;
    const { data } = await post(one.url, registration);
    const authorization = `Token ${data.register.token}`;
    expect((await post(other.url, "{ me { username } }", authorization)).data.me).toEqual({
      username: "ada",
    });
    await post(other.url, "mutation { logout { revokedSessions } }", authorization);
    expect((await post(one.url, "{ me { username } }", authorization)).errors?.[0].extensions.reason).toBe(
      "TOKEN_REVOKED",
    );
    await killAll();
    await dropDatabase(databaseUrl);
  });

  it("does not wait for ever for another's migration when it is told to stop", async () => {
    const databaseUrl = await createDatabase("template0");
    const other = new Client({ connectionString: databaseUrl });
    await other.connect();
    await other.query("select pg_advisory_lock(7220418035)");
    const gateway = gatehouse(["serve"], {
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: encryptionKey,
      MIGRATE_ON_START: "on",
    });
    await until(async () => (await other.query("select from pg_locks where not granted")).rowCount === 1);
    gateway.child.kill("SIGTERM");
    expect(await gateway.exit).toMatchObject({ code: 1, signal: null });
    await other.end();
    await dropDatabase(databaseUrl);
  });

  it("says in a line what is wrong when the database cannot be reached or the port is taken", async () => {
    const unreachable = await gatehouse(["serve"], {
      DATABASE_URL: "postgresql://u:secret-password@127.0.0.1:1/db",
      ENCRYPTION_KEY: encryptionKey,
    }).exit;
    expect(unreachable.code).toBe(1);
    expect(unreachable.stderr).toBe(
      "gatehouse: PostgreSQL at 127.0.0.1:1/db (DATABASE_URL) cannot be used: connect ECONNREFUSED 127.0.0.1:1\n",
    );
    const mistyped = await gatehouse(["serve"], {
      DATABASE_URL: `${databaseUrlOf("mistyped")}?sslmode=disable`,
      ENCRYPTION_KEY: encryptionKey,
      MIGRATE_ON_START: "on",
    }).exit;
    expect(mistyped.stderr).toMatch(/^gatehouse: .*cannot be used: database "mistyped" does not exist\n$/);
    const plain = await gatehouse(["migrate", "status"], {
      DATABASE_URL: `${databaseUrlOf("postgres")}?sslmode=require`,
      ENCRYPTION_KEY: encryptionKey,
    }).exit;
    expect(plain.stderr).toMatch(/cannot be used: The server does not support SSL connections\n$/);
    expect(unreachable.stderr + unreachable.stdout).not.toContain("secret-password");

    const databaseUrl = await createDatabase();
    const environment = { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: encryptionKey };
    const first = await serve(environment);
    const second = await gatehouse(["serve"], { ...environment, PORT: new URL(first.url).port }).exit;
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^gatehouse: .*in use.*\n$/);
    await killAll();
    await dropDatabase(databaseUrl);
  });
});
