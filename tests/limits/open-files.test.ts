import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { killAll, serve } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

let settings: Record<string, string>;
beforeAll(async () => {
  settings = {
    DATABASE_URL: await createDatabase(),
    ENCRYPTION_KEY: randomBytes(32).toString("base64url"),
    HASH_CONCURRENCY: "2",
    // What takes a process of its own to hash.
    ARGON2_MEMORY: "19456",
  };
});
afterAll(async () => {
  await killAll();
  await dropDatabase(settings["DATABASE_URL"] ?? "");
});

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** On a connection of its own. @param from the address that it comes from */
async function ask(url: string, path: string, from: string, query?: string): Promise<string> {
  const sent = request(`${url}${path}`, {
    localAddress: from,
    agent: false,
    method: query === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json" },
  });
  sent.end(query && JSON.stringify({ query }));
  const [answer] = await once(sent, "response");
  let text = "";
  for await (const part of answer.setEncoding("utf8")) text += part;
  return `${answer.statusCode} ${text}`;
}

const account = 'email: "ada@example.com", username: "ada", password: "correct horse battery"';
const signUp = `mutation { register(input: { ${account} }) { user { username } } }`;
const signIn =
  'mutation { login(input: { username: "ada", password: "correct horse battery" }) { user { username } } }';
const signedIn = '200 {"data":{"login":{"user":{"username":"ada"}}}}\n';

describe("a process that may open 1,024 files", () => {
  it("lives, answers and signs in while there are 1,100 idle connections", async () => {
    const gateway = await serve(settings, ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh"]);
    const said = gateway.output.stdout.split("\n").filter((line) => line.includes("limit of open files"));
    expect(said).toHaveLength(1);
    const { connections, openFiles } = JSON.parse(said[0] ?? "");
    expect(openFiles).toBe(1024);
    expect(connections).toBeGreaterThan(512);
    expect(connections).toBeLessThan(1000);

    await ask(gateway.url, "/graphql", "127.0.0.1", signUp);
    const { port } = new URL(gateway.url);
    let told = 0;
    for (let count = 0; count < 1_100; count++) {
      const socket = connect({ port: Number(port), host: "127.0.0.1" });
      socket
        .on("error", () => {})
        .on("data", (text) => (told += Number(String(text).startsWith("HTTP/1.1 503 "))));
      await once(socket, "connect");
      sockets.push(socket);
    }
    await until(() => told >= 1_100 - connections);
    const samples = performance.now() + 3_000;
    while (performance.now() < samples)
      for (const address of ["127.0.0.1", "127.0.0.2"]) {
        expect(await ask(gateway.url, "/health/live", address)).toMatch(/^200 /);
        expect(await ask(gateway.url, "/health/ready", address)).toMatch(/^200 /);
        expect(await ask(gateway.url, "/graphql", address, signIn)).toBe(signedIn);
      }
    expect(sockets.filter(({ closed }) => !closed).length).toBeGreaterThan(connections - 100);
    expect(gateway.child.exitCode).toBe(null);
    gateway.child.kill("SIGTERM");
    expect((await gateway.exit).code).toBe(0);
  });
});

it("a process that can open no more files for a while lives, and serves again afterwards", async () => {
  const gateway = await serve(settings);
  const allow = (files: string) =>
    execFileSync("prlimit", [`--pid=${gateway.child.pid}`, `--nofile=${files}:`], { encoding: "utf8" });
  allow("10");
  await until(() => gateway.output.stdout.includes("the memory in use cannot be measured"));
  for (let count = 0; count < 20; count++) {
    const refused = connect({ port: Number(new URL(gateway.url).port), host: "127.0.0.1" });
    refused.on("error", () => {});
    sockets.push(refused);
  }
  const measured = gateway.output.stdout.length;
  await until(() => gateway.output.stdout.length > measured || gateway.child.exitCode !== null, 5_000).catch(
    () => {},
  );
  expect(gateway.child.exitCode).toBe(null);
  allow("1000");
  await until(async () => (await ask(gateway.url, "/graphql", "127.0.0.1", signIn)) === signedIn);
  expect(gateway.output.stdout.match(/the memory in use cannot be measured/g)).toHaveLength(1);
});
