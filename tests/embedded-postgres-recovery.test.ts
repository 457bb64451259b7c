import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import { findPostmaster } from "../src/embedded-postgres/postmaster.ts";
import { endProcesses, kill, killLater, killServer, newDirectory } from "./support/database-process.ts";
import { query, removeDirectories, startGateway } from "./support/database-process.ts";

/** Spares most tests the second it takes to make a cluster; each leaves it with its server stopped. */
const sharedDir = newDirectory();

beforeAll(async () => {
  const server = await startEmbeddedPostgres(sharedDir);
  await server.stop();
});
afterEach(endProcesses);
afterAll(removeDirectories);

describe("after kill -9", () => {
  it("of the gateway, the next start takes over the same server", async () => {
    const { child, url } = await startGateway(sharedDir);
    await query(url!, "create table survivors as select 42 as answer");
    const before = await findPostmaster(join(sharedDir, "postgres/data"));
    await kill(child);

    const server = await startEmbeddedPostgres(sharedDir);
    expect(server.url).toBe(url);
    expect(await findPostmaster(server.dataDirectory)).toEqual(before);
    expect(await query(server.url, "select * from survivors")).toEqual([{ answer: 42 }]);
    await server.stop();
    expect(await findPostmaster(server.dataDirectory)).toBeUndefined();
  });

  it("of gateway and server, the next start recovers what was committed", async () => {
    const { child, url } = await startGateway(sharedDir);
    await query(url!, "create table recovered as select 43 as answer");
    const data = join(sharedDir, "postgres/data");
    const { pid } = (await findPostmaster(data))!;
    process.kill(pid, "SIGKILL");
    await kill(child);

    const server = await startEmbeddedPostgres(sharedDir);
    expect((await findPostmaster(data))?.pid).not.toBe(pid);
    expect(await query(server.url, "select * from recovered")).toEqual([{ answer: 43 }]);
    await server.stop();
  });

  it("a process id that belongs to another program now does not hinder a start", async () => {
    const server = await startEmbeddedPostgres(sharedDir);
    const pidFile = join(server.dataDirectory, "postmaster.pid");
    const lines = readFileSync(pidFile, "utf8").split("\n");
    await killServer(Number(lines[0]), server.dataDirectory);
    await server.stop();
    const { uid, gid } = statSync(server.dataDirectory);
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { uid, gid, cwd: "/" });
    killLater(other);
    await once(other, "spawn");
    writeFileSync(pidFile, [other.pid, ...lines.slice(1)].join("\n"));

    const next = await startEmbeddedPostgres(sharedDir);
    expect(await query(next.url, "select 1 as one")).toEqual([{ one: 1 }]);
    expect(other.exitCode).toBeNull();
    await next.stop();
  });

  it("an empty postmaster.pid does not hinder a start", async () => {
    const pidFile = join(sharedDir, "postgres/data/postmaster.pid");
    const { uid, gid } = statSync(join(pidFile, ".."));
    writeFileSync(pidFile, "");
    chownSync(pidFile, uid, gid);
    utimesSync(pidFile, 0, 0);
    const server = await startEmbeddedPostgres(sharedDir);
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
  });
});
