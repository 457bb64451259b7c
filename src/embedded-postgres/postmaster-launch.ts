import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, open, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { ClusterPaths } from "./postgres-cluster.ts";
import { commandAs } from "./run-as.ts";
import type { RunAs } from "./run-as.ts";

/** A server process we started; it lives on when we end, however we end. */
export interface Launch {
  hasExited: () => boolean;
  /** Why it has exited, in one line, and whether another try may go better. */
  explainExit: () => Promise<{ reason: string; mayPass: boolean }>;
}

/** Starts the server on 127.0.0.1 only, in a process group of its own, and does not wait for it. */
export async function launchPostmaster(
  paths: ClusterPaths,
  binaries: PostgresBinaries,
  runAs: RunAs,
  port: number,
): Promise<Launch> {
  // Appending, because two gateways that start at the same moment both write to it.
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants;
  const log = await open(paths.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    const child = spawn(...commandAs(runAs, binaries.postgres, serverArguments(paths.data, port)), {
      ...runAs.options,
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
      windowsHide: true,
    });
    let spawnError: Error | undefined;
    child.once("error", (error) => (spawnError = error));
    child.unref();
    return {
      hasExited: () => spawnError !== undefined || child.exitCode !== null || child.signalCode !== null,
      explainExit: async () =>
        explain(spawnError?.message ?? (await readFile(paths.log, "utf8")), child.exitCode),
    };
  } finally {
    await log.close();
  }
}

function serverArguments(data: string, port: number): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 100,
    // Seconds for which a connection that says nothing may keep others out.
    authentication_timeout: 15,
    // Keeps what users typed out of the log, also where PostgreSQL quotes it in an error message.
    log_min_messages: "log",
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    log_statement: "none",
    log_min_duration_statement: -1,
    log_connections: "",
    log_checkpoints: "off",
    logging_collector: "off",
    log_destination: "stderr",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", data, "-p", String(port), ...options];
}

function explain(log: string, exitCode: number | null): { reason: string; mayPass: boolean } {
  const lines = log.trim().split("\n");
  const severity = /(FATAL|PANIC): /;
  const fatal = lines.findLast((line) => severity.test(line));
  return {
    reason: fatal?.slice(fatal.search(severity)) ?? lines.at(-1) ?? "",
    // Stopped by another gateway, another start at the same moment, processes of a killed server that are
    // still ending, a port just taken.
    mayPass: exitCode === 0 || /lock file|shared memory block|could not bind/.test(log),
  };
}

/** A free port of 127.0.0.1. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
