import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { Client } from "pg";
import { DataDirectoryInUse } from "../src/embedded-postgres/data-directory-lock.ts";
import { findRunningPostgres, startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import { findPostmaster } from "../src/embedded-postgres/postmaster.ts";
import { endProcesses, kill, newDirectory } from "./support/database-process.ts";
import { query, refuses, removeDirectories, spawnGateway } from "./support/database-process.ts";
import { startGateway, startGatewayAs, until } from "./support/database-process.ts";

/** Spares most tests the second it takes to make a cluster; each leaves it with its server stopped. */
const sharedDir = newDirectory();

beforeAll(async () => {
  const server = await startEmbeddedPostgres(sharedDir);
  await server.stop();
});
afterEach(endProcesses);
afterAll(removeDirectories);

describe("a start", () => {
  it("makes the data, a password for the owner alone, and a database that answers", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    const passwordFile = join(sharedDir, "postgres/password");
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    expect(statSync(server.dataDirectory).mode & 0o777).toBe(0o700);
    expect(readFileSync(passwordFile, "utf8").trim()).toMatch(/^[\w-]{43}$/);
    expect(await query(server.url, "select current_database() as db, lower('ÄÉ') as low")).toEqual([
      { db: "gatehouse", low: "äé" },
    ]);
    await expect(query(server.url.replace(/:[\w-]{43}@/, ":wrong@"), "select 1")).rejects.toThrow(/password/);
    expect(await findRunningPostgres(sharedDir)).toBe(server.url);
    await server.stop();
  });

  it("listens on the loopback interface only", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    const port = Number(new URL(server.url).port);
    expect(await query(server.url, "show listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }]);
    expect(await query(server.superuserUrl, "show unix_socket_directories")).toEqual([
      { unix_socket_directories: "" },
    ]);
    expect(await refuses("127.0.0.1", port)).toBe(false);
    const outside = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
    for (const { address, internal } of outside)
      if (!internal) expect(await refuses(address, port)).toBe(true);
    await server.stop();
  });

  it("keeps what users typed out of the log", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    await query(
      server.url,
      "create table secrets (name text unique); insert into secrets values ('tell-nobody')",
    );
    await expect(query(server.url, "insert into secrets values ('tell-nobody')")).rejects.toThrow(/unique/);
    await expect(query(server.url, "select 'tell-nobody'::uuid")).rejects.toThrow(/uuid/);
    await server.stop();
    const log = readFileSync(join(sharedDir, "postgres/server.log"), "utf8");
    expect(log).toContain("ready to accept connections");
    expect(log).not.toContain("tell-nobody");
  });

  it("removes what a killed first start left", async () => {
    const dataDir = newDirectory();
    const child = spawnGateway(dataDir);
    await until(() => readdirSync(dataDir).some((name) => name.startsWith("postgres.new-")));
    await kill(child);
    expect(readdirSync(dataDir)).toEqual([expect.stringMatching(/^postgres\.new-/)]);
    const server = await startEmbeddedPostgres(dataDir);
    expect(readdirSync(dataDir)).toEqual(["postgres"]);
    await server.stop();
  });
});

describe("a second gateway", () => {
  it("is refused in one line and leaves the first alone", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    const before = await findPostmaster(server.dataDirectory);
    const inUse = `Another gateway already runs on DATA_DIR ${sharedDir}; stop it or set another DATA_DIR.`;
    expect(await startGateway(sharedDir)).toMatchObject({ error: inUse });
    await expect(startEmbeddedPostgres(sharedDir)).rejects.toThrow(DataDirectoryInUse);
    expect(await findPostmaster(server.dataDirectory)).toEqual(before);
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
  });

  it("loses when both start at once on an empty directory", async () => {
    const dataDir = join(newDirectory(), "inner");
    const both = await Promise.all([startGateway(dataDir), startGateway(dataDir)]);
    const [winner, ...others] = both.filter(({ url }) => url);
    expect(others).toEqual([]);
    expect(both.map(({ error }) => error)).toContainEqual(
      expect.stringContaining("Another gateway already runs"),
    );
    expect(await query(winner!.url!, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("is still refused after the server has dropped the first one's session", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    const holders = `select pid from pg_locks where locktype = 'advisory' and granted`;
    const [before] = await query(server.superuserUrl, holders);
    await query(server.superuserUrl, `select pg_terminate_backend(${Number(before!["pid"])})`);
    await until(async () => {
      const [now] = await query(server.superuserUrl, holders);
      return now && now["pid"] !== before!["pid"];
    });
    await expect(startEmbeddedPostgres(sharedDir)).rejects.toThrow(DataDirectoryInUse);
    await server.stop();
  });
});

describe("stop", () => {
  it("leaves no process and no postmaster.pid, and may be called twice", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    const { pid } = (await findPostmaster(server.dataDirectory))!;
    const open = new Client({ connectionString: server.url });
    open.on("error", () => {});
    await open.connect();
    await Promise.all([server.stop(), server.stop()]);
    await until(() => !existsSync(`/proc/${pid}`));
    expect(existsSync(join(server.dataDirectory, "postmaster.pid"))).toBe(false);
    expect(await findRunningPostgres(sharedDir)).toBeUndefined();
    await open.end();
  });
});

it("says why PostgreSQL does not start", async () => {
  const version = join(sharedDir, "postgres/data/PG_VERSION");
  const right = readFileSync(version, "utf8");
  writeFileSync(version, "12\n");
  await expect(startEmbeddedPostgres(sharedDir)).rejects.toThrow(
    "PostgreSQL does not start: FATAL:  database files are incompatible with server",
  );
  writeFileSync(version, right);
});

if (process.getuid?.() === 0) {
  describe("started by root", () => {
    it("reaches data below a directory that is closed to everybody else", async () => {
      const parent = newDirectory();
      chmodSync(parent, 0o700);
      const server = await startEmbeddedPostgres(join(parent, "inner"));
      expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
      await server.stop();
    });

    it("gives the data to an account that nothing else has", async () => {
      const server = await startEmbeddedPostgres(sharedDir);
      const { uid, gid } = statSync(server.dataDirectory);
      expect(spawnSync("id", [String(uid)]).status).not.toBe(0);
      const { pid } = (await findPostmaster(server.dataDirectory))!;
      expect(statSync(`/proc/${pid}`)).toMatchObject({ uid, gid });
      for (const account of [65_534, 1]) {
        const reads = spawnSync("ls", [join(server.dataDirectory, "..")], { uid: account, gid: account });
        expect([reads.status, String(reads.stdout)]).toEqual([2, ""]);
      }
      const other = await startEmbeddedPostgres(newDirectory());
      expect(statSync(other.dataDirectory).uid).not.toBe(uid);
      await other.stop();
      await server.stop();
    });

    it("works for an ordinary user as well, whose data root does not use", async () => {
      const dataDir = newDirectory();
      const account = { uid: 1, gid: 1 };
      chownSync(dataDir, account.uid, account.gid);
      const { child, url, uid, error } = await startGatewayAs(account, dataDir);
      expect(error).toBeUndefined();
      expect(uid).toBe(account.uid);
      expect(statSync(join(dataDir, "postgres/password"))).toMatchObject({ uid: account.uid });
      expect(await query(url!, "select 1 as one")).toEqual([{ one: 1 }]);
      await kill(child);
      await expect(startEmbeddedPostgres(dataDir)).rejects.toThrow(
        `DATA_DIR ${dataDir} is not safe: it belongs to another account (uid 1)`,
      );
    });

    it("works for an account without a name", async () => {
      const dataDir = newDirectory();
      const account = { uid: 54_321, gid: 54_321 };
      chownSync(dataDir, account.uid, account.gid);
      const { url, error } = await startGatewayAs(account, dataDir);
      // Where the system lets nobody have a namespace, it says what to do.
      if (spawnSync("unshare", ["--user", "--map-user=65534", "id"], account).status === 0)
        expect(await query(url!, "select 1 as one")).toEqual([{ one: 1 }]);
      else
        expect(error).toMatch(
          /no entry in \/etc\/passwd: start as an account that has one, or set DATABASE_URL/,
        );
    });
  });
}
