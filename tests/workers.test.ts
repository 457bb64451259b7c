import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/config.ts";
import { findPostmaster } from "../src/embedded-postgres/postmaster.ts";
import { asSuperuser, createDatabase, dropDatabase, query } from "./support/database.ts";
import { gatehouse, killAll, serve } from "./support/gateway-process.ts";
import type { GatehouseProcess } from "./support/gateway-process.ts";
import { ask, askApart } from "./support/spread.ts";
import { until } from "./support/until.ts";

const encryptionKey = "a secret of thirty-two bytes or more";
const me = "{ me { username } }";

let people = 0;
async function signUp(url: string): Promise<{ username: string; authorization: string }> {
  const username = `person${++people}`;
  const input = `{ email: "${username}@b.co", username: "${username}", password: "correct horse" }`;
  const { data } = await askApart(url, `mutation { register(input: ${input}) { token } }`);
  return { username, authorization: `Token ${data.register.token}` };
}

/** On connections that the workers get in turn: each has two of four. */
const asFour = (url: string, text: string, authorization: string) =>
  [1, 2, 3, 4].map(() => askApart(url, text, authorization));

const fourTimes = (...what: Parameters<typeof asFour>) => Promise.all(asFour(...what));

interface LogLine {
  msg: string;
  worker?: number;
  pid?: number;
  how?: string;
  path?: string;
}

const linesOf = ({ output }: GatehouseProcess) =>
  output.stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as LogLine]));

const said = (gateway: GatehouseProcess, text: string) =>
  linesOf(gateway).filter(({ msg }) => msg.startsWith(text));

const pidsOf = (gateway: GatehouseProcess) => said(gateway, "a worker is ready").map(({ pid }) => pid ?? 0);

async function publishedKids(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/.well-known/jwks.json`, { headers: { connection: "close" } });
  return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("several workers", () => {
  let databaseUrl: string;
  let gateway: GatehouseProcess & { url: string };
  beforeAll(async () => {
    // Not migrated: the parent does it, once.
    databaseUrl = await createDatabase("template0");
    gateway = await serve({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: encryptionKey,
      MIGRATE_ON_START: "on",
      WORKERS: "2",
    });
  });
  afterAll(async () => {
    await killAll();
    await dropDatabase(databaseUrl);
  });

  /** Signs out on one connection, and asks on others as soon as that is answered. @returns how the others answered */
  async function reasonsAfterSignOut(): Promise<Set<string>> {
    const { authorization, username } = await signUp(gateway.url);
    for (const { data } of await fourTimes(gateway.url, me, authorization))
      expect(data.me.username).toBe(username);
    await askApart(gateway.url, "mutation { logout { revokedSessions } }", authorization);
    const answers = await fourTimes(gateway.url, me, authorization);
    return new Set(answers.map(({ errors }) => errors?.[0].extensions.reason as string));
  }

  /** A connection to each, over which it has answered `me`. */
  async function connectionsByWorker(authorization: string): Promise<[number, Agent][]> {
    const agents = new Map<number, Agent>();
    for (let probe = 0; agents.size < 2; probe++) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      await ask(`${gateway.url}/probe${probe}`, me, undefined, agent);
      const line = () => linesOf(gateway).find(({ path }) => path?.startsWith(`/probe${probe}/`));
      await until(() => line() !== undefined);
      const { worker = 0 } = line() ?? {};
      if (agents.has(worker)) agent.destroy();
      else agents.set(worker, agent);
    }
    for (const agent of agents.values()) await ask(gateway.url, me, authorization, agent);
    return [...agents];
  }

  it("start once, and all answer", async () => {
    expect(said(gateway, "ready")).toMatchObject([{ workers: 2 }]);
    expect(pidsOf(gateway)).toHaveLength(2);
    const { authorization } = await signUp(gateway.url);
    await fourTimes(gateway.url, me, authorization);
    await until(() => new Set(said(gateway, "request").map(({ worker }) => worker)).size === 2);
  });

  it("answer from memory, each", async () => {
    const { authorization, username } = await signUp(gateway.url);
    await fourTimes(gateway.url, me, authorization);
    // Past the triggers, which would tell of it.
    await query(
      asSuperuser(databaseUrl),
      "set session_replication_role = replica; update users set bio = 'unseen'; reset session_replication_role",
    );
    for (const { data } of await fourTimes(gateway.url, "{ me { username bio } }", authorization))
      expect(data.me).toEqual({ username, bio: null });
  });

  it("are one replica: what is ended on one is refused by all at the very next request", async () => {
    for (let round = 0; round < 25; round++) {
      const reasons = await Promise.all(Array.from({ length: 4 }, reasonsAfterSignOut));
      expect(reasons).toEqual(Array.from(reasons, () => new Set(["TOKEN_REVOKED"])));
    }
  });

  it("are one replica for one that hears nothing, too", async () => {
    const { authorization } = await signUp(gateway.url);
    const agents = await connectionsByWorker(authorization);
    const [[deaf, itsOwn], [, anothers]] = agents as [[number, Agent], [number, Agent]];
    const pid = said(gateway, "a worker is ready").find(({ worker }) => worker === deaf)?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    try {
      const ended = await ask(
        gateway.url,
        "mutation { logout { revokedSessions } }",
        authorization,
        anothers,
      );
      expect(ended.data.logout.revokedSessions).toBe(1);
      const late = ask(gateway.url, me, authorization, itsOwn);
      // It lies there when the deaf one hears again.
      await ask(gateway.url, "{ __typename }", authorization, anothers);
      process.kill(pid, "SIGCONT");
      expect((await late).errors?.[0].extensions.reason).toBe("TOKEN_REVOKED");
    } finally {
      process.kill(pid, "SIGCONT");
      for (const [, agent] of agents) agent.destroy();
    }
  });

  it("have a successor when they are killed, while the others serve", async () => {
    const { authorization, username } = await signUp(gateway.url);
    const [killed = 0, left = 0] = pidsOf(gateway);
    let answered = 0;
    let cutOff = 0;
    const over = new AbortController();
    const load = Promise.all(
      [1, 2, 3, 4].map(async () => {
        while (!over.signal.aborted)
          try {
            const { data } = await askApart(gateway.url, me, authorization);
            answered += data.me.username === username ? 1 : 0;
          } catch {
            cutOff += 1;
          }
      }),
    );
    await until(() => answered > 20);
    process.kill(killed, "SIGKILL");
    await until(() => pidsOf(gateway).length === 3);
    const before = answered;
    await until(() => answered > before + 20);
    over.abort();
    await load;
    // What the killed one was at.
    expect(cutOff).toBeLessThanOrEqual(4);
    expect(said(gateway, "a worker has ended")).toMatchObject([{ worker: 1, how: "SIGKILL" }]);
    expect(isAlive(left)).toBe(true);
    for (let round = 0; round < 10; round++)
      expect(await reasonsAfterSignOut()).toEqual(new Set(["TOKEN_REVOKED"]));
  });

  it("say in a line, once, that the port is taken", async () => {
    const busy = await gatehouse(["serve"], {
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: encryptionKey,
      PORT: new URL(gateway.url).port,
      WORKERS: "2",
    }).exit;
    expect(busy.code).toBe(1);
    expect(busy.stderr).toMatch(/^gatehouse: HOST and PORT cannot be listened on: .*EADDRINUSE.*\n$/);
  });

  it("have the same keys soon after a rotation", async () => {
    const environment = { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: encryptionKey, KEY_PUBLISH_AHEAD: "0s" };
    const { stdout } = await gatehouse(["keys", "rotate"], environment).exit;
    const [kid] = stdout.split(" ");
    await until(async () => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => publishedKids(gateway.url)));
      return answers.every((kids) => kids.includes(kid ?? ""));
    });
  });

  it("end with their parent", async () => {
    const pids = pidsOf(gateway);
    gateway.child.kill("SIGTERM");
    gateway.child.kill("SIGINT");
    expect(await gateway.exit).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(said(gateway, "stopped")).toHaveLength(3);
  });
});

describe("several workers on the embedded database", () => {
  it("are gone when their parent is killed, and the next takes over; another at the same time is refused", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-workers-"));
    const environment = { DATA_DIR: directory, PORT: "0", WORKERS: "auto" };
    const first = await serve({ ...environment, WORKERS: "2" });
    const { authorization, username } = await signUp(first.url);
    const second = await gatehouse(["serve"], environment).exit;
    expect([second.code, second.stdout]).toEqual([1, ""]);
    expect(second.stderr).toMatch(/^gatehouse: Another gateway already runs on DATA_DIR .*\n$/);

    first.child.kill("SIGKILL");
    await until(() => !pidsOf(first).some(isAlive));
    const next = await serve(environment);
    expect((await askApart(next.url, me, authorization)).data.me).toEqual({ username });
    next.child.kill("SIGTERM");
    expect(await next.exit).toMatchObject({ code: 0, stderr: "" });
    expect(await findPostmaster(join(directory, "postgres", "data"))).toBeUndefined();
    await rm(directory, { recursive: true });
  });
});

it("WORKERS that is none is refused in a line, and what is for all is divided", () => {
  for (const wrong of ["0", "65", "two", "1.5", "-1"])
    expect(() => loadConfig({ WORKERS: wrong })).toThrow("WORKERS takes auto or a whole number from 1 to 64");
  expect(loadConfig({ WORKERS: "auto" }).workers).toBeGreaterThan(0);
  const shares = loadConfig({ WORKERS: "4", HASH_CONCURRENCY: "9", HASH_QUEUE: "10" });
  expect(shares).toMatchObject({
    databaseConnections: 5,
    passwordHashing: { concurrency: 2, queueLimit: 3 },
  });
});
