import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createOwner, query } from "./database.ts";
import { until } from "./until.ts";

/** Where Debian puts PostgreSQL, a folder for each version. */
const installations = "/usr/lib/postgresql";

/** PostgreSQL and its tools refuse to run as root. */
const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** The versions of PostgreSQL that the machine has beside the embedded one. */
export function installedVersions(): string[] {
  if (!existsSync(installations)) return [];
  return readdirSync(installations).filter((version) =>
    existsSync(join(installations, version, "bin/postgres")),
  );
}

export interface InstalledPostgres {
  /** For a superuser. */
  url: string;
  stop(): Promise<void>;
}

/** Starts an installed PostgreSQL on a free port, with the owner of the tests' databases. */
export async function startInstalledPostgres(version: string): Promise<InstalledPostgres> {
  const bin = join(installations, version, "bin");
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-postgres-"));
  if (account.uid !== undefined) chownSync(directory, account.uid, account.gid);
  const data = join(directory, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  await promisify(execFile)(join(bin, "initdb"), initdb, { ...account, cwd: directory });
  const port = await freePort();
  const settings = ["-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="];
  const server = spawn(join(bin, "postgres"), ["-D", data, ...settings], {
    ...account,
    cwd: directory,
    stdio: "ignore",
  });
  const ended = once(server, "exit");
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  await until(() =>
    query(url, "select").then(
      () => true,
      () => false,
    ),
  );
  await createOwner(url);
  return {
    url,
    async stop() {
      server.kill("SIGINT");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
