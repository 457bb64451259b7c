import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { query } from "./database.ts";
import { freePort } from "./installed-postgres.ts";
import { until } from "./until.ts";

const path = `${process.env["PATH"]}:/usr/sbin`;
/** It refuses to run as root. */
const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export const hasPgbouncer = spawnSync("pgbouncer", ["--version"], { env: { PATH: path } }).status === 0;

/** Starts pgbouncer in front of a database. @param settings beyond its defaults @returns the URL by way of it */
export async function startPgbouncer(databaseUrl: string, settings: Record<string, string | number>) {
  const target = new URL(databaseUrl);
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-pgbouncer-"));
  chmodSync(directory, 0o755);
  const port = await freePort();
  const name = target.pathname.slice(1);
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    ...settings,
  };
  const server = `host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}`;
  const lines = [
    "[databases]",
    `${name} = ${server}`,
    "[pgbouncer]",
    ...Object.entries(all).map(([key, value]) => `${key} = ${value}`),
  ];
  const file = join(directory, "pgbouncer.ini");
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o644 });
  const pooler = spawn("pgbouncer", [file], { env: { PATH: path }, ...account, stdio: "ignore" });
  const ended = once(pooler, "exit");
  target.port = String(port);
  await until(() =>
    query(target.href, "select").then(
      () => true,
      () => false,
    ),
  );
  return {
    url: target.href,
    async stop() {
      pooler.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}
