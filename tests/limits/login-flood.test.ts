import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { HashProcesses } from "../../src/security/hash-processes.ts";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { killAll, post, serve } from "../support/gateway-process.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import { residentMemory } from "../support/resident-memory.ts";
import { until } from "../support/until.ts";

const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };

describe("a flood of sign-ins, as from a botnet", () => {
  /** Bytes that the gateway may take beyond what it takes when quiet. */
  const mostMemory = 200 * 2 ** 20;
  let databaseUrl: string;
  let gateway: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    databaseUrl = await createDatabase();
    const ENCRYPTION_KEY = randomBytes(32).toString("base64url");
    gateway = await serve({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY,
      RATE_LIMIT: "off",
      // What it is in production.
      ARGON2_MEMORY: "19456",
      ARGON2_TIME: "2",
      HASH_CONCURRENCY: "1",
    });
  });
  afterAll(async () => {
    await killAll();
    await dropDatabase(databaseUrl);
  });

  const memory = () => residentMemory(Number(gateway.child.pid));
  const attempt = (agent: Agent, password: string) =>
    new Promise<{ code: string; retryAfter: string | undefined }>((resolve, reject) => {
      const headers = { "content-type": "application/json" };
      const sent = request(`${gateway.url}/graphql`, { method: "POST", agent, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("end", () => {
          const code = /"code":"(\w+)"/.exec(text)?.[1] ?? "OK";
          resolve({ code, retryAfter: answer.headers["retry-after"] });
        });
      });
      sent.on("error", reject);
      sent.end(JSON.stringify({ query: login, variables: { input: { username: "ada", password } } }));
    });

  it("is refused for the most part, in bounded memory, while me is served, and is over when it ends", async () => {
    const { data } = await post(
      gateway.url,
      `mutation { register(input: ${JSON.stringify(ada).replaceAll(/"(\w+)":/g, "$1:")}) { token } }`,
    );
    const me = () => post(gateway.url, "{ me { username } }", `Token ${data.register.token}`);
    for (let count = 0; count < 50; count++) await me();
    const before = memory();

    // More at a time than HASH_QUEUE lets wait, so that the surplus is refused however fast hashes are.
    const agent = new Agent({ keepAlive: true, maxSockets: 200 });
    const flood = Promise.all(Array.from({ length: 500 }, (_, index) => attempt(agent, `guess ${index}`)));
    const state = { over: false };
    void flood.finally(() => (state.over = true));
    let served = 0;
    let most = 0;
    while (!state.over) {
      expect(await me()).toEqual({ data: { me: { username: "ada" } } });
      served += 1;
      most = Math.max(most, memory());
    }
    const answers = await flood;
    expect(served).toBeGreaterThan(0);
    expect(most - before).toBeLessThan(mostMemory);

    expect([...new Set(answers.map(({ code }) => code))].toSorted()).toEqual([
      "BAD_USER_INPUT",
      "SERVICE_UNAVAILABLE",
    ]);
    const refused = answers.filter(({ code }) => code === "SERVICE_UNAVAILABLE");
    expect(refused.length).toBeGreaterThan(250);
    for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
    await until(async () => (await attempt(agent, ada.password)).code === "OK");
    agent.destroy();
  });
});

describe("for who has hung up", () => {
  let gateway: Gateway;
  const derived = jest.spyOn(HashProcesses.prototype, "derive");
  let token: string;
  let other: Gateway;
  // One kind of hash, so that a refusal takes one.
  const hashing = { HASH_CONCURRENCY: "1", ARGON2_MEMORY: "131072", ARGON2_TIME: "4" };
  beforeAll(async () => {
    other = await startGateway(hashing);
    ({ token } = await register(other, { ...ada, email: "bob@example.com", username: "bob" }));
  });
  afterAll(() => other.close());
  // A fresh one expects short waits, whatever the machine; one that has seen slow hashes refuses a wait at once.
  beforeEach(async () => {
    gateway = await startReplica(other, { ...hashing, MAX_CREDENTIAL_OPERATIONS: "2" });
    derived.mockClear();
  });
  afterEach(() => gateway.close());

  const logIn = 'login(input: { username: "nobody", password: "a guess" }) { token }';
  const signUp = `register(input: {
    email: "ada@example.com", username: "ada", password: "correct horse battery"
  }) { token }`;
  const send = (query: string, signal: AbortSignal | null = null) =>
    fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Token ${token}` },
      body: JSON.stringify({ query }),
      signal,
    }).catch((error: Error) => error.name);

  it.each([
    ["login", logIn],
    ["register", signUp],
    ["updateUser", 'updateUser(input: { password: "another horse battery" }) { user { id } }'],
  ])("no password is hashed that waited its turn: %s", async (_name, operation) => {
    const { hasher } = gateway.app;
    const first = send(`mutation { ${logIn} }`);
    await until(() => hasher.running === 1);
    const leaving = new AbortController();
    const left = send(`mutation { ${operation} }`, leaving.signal);
    await until(() => hasher.waiting === 1);
    leaving.abort();
    expect(await left).toBe("AbortError");
    await until(() => hasher.waiting === 0);
    await first;
    expect(derived).toHaveBeenCalledTimes(1);
    expect(hasher.running).toBe(0);
  });

  it("no further mutation of the operation is begun", async () => {
    const { hasher } = gateway.app;
    const leaving = new AbortController();
    const left = send(`mutation { ${logIn} ${signUp} }`, leaving.signal);
    await until(() => hasher.running === 1);
    leaving.abort();
    expect(await left).toBe("AbortError");
    await until(() => hasher.running === 0);
    await send(`mutation { ${logIn} }`);
    await send(`mutation { ${logIn} }`);
    expect(derived).toHaveBeenCalledTimes(3);
    expect(await gateway.sql("select username from users")).toEqual([{ username: "bob" }]);
  });
});
