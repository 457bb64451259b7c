import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

/** Where a program of the machine is; Debian keeps servers where only root looks. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The configuration that a page of docs/integrations gives, with this machine's ports for those of the page. */
export async function documentedConfiguration(
  page: string,
  language: string,
  ports: { gateway: number; application: number; proxy: number },
): Promise<string> {
  const path = fileURLToPath(new URL(`../../docs/integrations/${page}`, import.meta.url));
  const block = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(await readFile(path, "utf8"))?.[1];
  if (block === undefined) throw new Error(`${page} has no block of ${language}`);
  const own = new Map([
    ["127.0.0.1:4000", ports.gateway],
    ["127.0.0.1:8080", ports.application],
    ["127.0.0.1:8000", ports.proxy],
  ]);
  return block.replaceAll(
    /(127\.0\.0\.1|accounts\.example\.com):(\d+)/g,
    (address, host: string, documented) => {
      const port = own.get(`127.0.0.1:${documented}`);
      if (port === undefined) throw new Error(`${page} has an address that no test knows: ${address}`);
      return `${host}:${port}`;
    },
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export interface Stand {
  port: number;
  close(): Promise<void>;
}

/** Runs a proxy under an account without rights, in a directory of its own, until it listens. */
export async function startProxy(
  port: number,
  files: Record<string, string>,
  command: (directory: string) => string[],
): Promise<Stand> {
  const directory = await mkdtemp(join(tmpdir(), "gatehouse-proxy-"));
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  if (nobody) await chown(directory, nobody.uid, nobody.gid);
  const [file = "", ...args] = command(directory);
  const child = spawn(file, args, { cwd: directory, env: { HOME: directory }, ...nobody });
  let output = "";
  child.stdout.on("data", (text: Buffer) => (output += text.toString()));
  child.stderr.on("data", (text: Buffer) => (output += text.toString()));
  await until(() => {
    if (child.exitCode !== null) throw new Error(`${file} ended: ${output}`);
    return accepts(port);
  });
  return {
    port,
    async close() {
      child.kill("SIGTERM");
      await once(child, "exit");
      await rm(directory, { recursive: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** A request as the application behind the proxy gets it. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An application that answers every request with `answer` and keeps what it got. */
export async function startApplication(
  headers: Record<string, string> = {},
): Promise<Stand & { received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (text: string) => (body += text));
    incoming.on("end", () => {
      const { method = "", url = "" } = incoming;
      received.push({ method, url, headers: incoming.headers, body });
      response.writeHead(200, headers).end("hello");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    received,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Sends to a port of this machine; headers as they are, also several of one name. */
export function send(
  port: number,
  sent: {
    method?: string;
    path?: string;
    headers?: Record<string, string | string[]>;
    body?: string;
    localAddress?: string;
  },
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: string }> {
  const { body, headers = {}, ...rest } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, headers, agent: false, ...rest }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: text }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
