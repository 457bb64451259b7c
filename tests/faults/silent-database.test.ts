import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { startFaultRelay } from "../support/fault-relay.ts";
import { expectTheRestToServe, expectUnavailable, statusOf } from "../support/faulty-database.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import { untilPoolIsIdle } from "../support/pool.ts";
import { until } from "../support/until.ts";

let gateway: Gateway;
let token: string;
const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
beforeAll(async () => {
  gateway = await startGateway({ RATE_LIMIT: "off" });
  ({ token } = await register(gateway, ada));
});
afterAll(() => gateway.close());

const me = (from: Gateway) => from.graphql("{ me { username } }", {}, `Token ${token}`);
const signIn = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const login = (from: Gateway) =>
  from.graphql(signIn, { input: { username: ada.username, password: ada.password } });

async function startBehindRelay() {
  const relay = await startFaultRelay(gateway.databaseUrl);
  const replica = await startReplica(gateway, { DATABASE_URL: relay.url, RATE_LIMIT: "off" });
  // Connections to lose.
  await Promise.all(Array.from({ length: 20 }, () => me(replica)));
  const fallSilent = (alsoOpened?: boolean) => {
    relay.fallSilent(alsoOpened);
    // What is in memory would be answered for two seconds more.
    replica.app.liveSessions.forget("*");
  };
  return { relay, replica, fallSilent };
}

// At once, because what takes time here is waiting.
it("outlives connections on which nothing is heard any more, a network without an answer, and a slow one", async () => {
  const cases = [deadConnections(), lostNetwork(), slowNetwork(), closedWhileSilent()];
  for (const ended of await Promise.allSettled(cases)) if (ended.status === "rejected") throw ended.reason;
});

/** Nobody waits longer for a dead connection than for a slow statement, and no two for the same one. */
async function deadConnections(): Promise<void> {
  const { relay, replica, fallSilent } = await startBehindRelay();
  fallSilent();
  const began = performance.now();
  for (const answer of await Promise.all([login(replica), me(replica), me(replica)]))
    expectUnavailable(answer);
  expect(performance.now() - began).toBeLessThan(20_000);
  // The others are as dead, and nobody has to find that out one by one.
  for (let repeated = 0; repeated < 20; repeated += 1)
    expect((await me(replica)).data).toEqual({ me: { username: "ada" } });
  expect((await login(replica)).errors).toBeUndefined();
  await untilPoolIsIdle(replica);
  await replica.close();
  await relay.close();
}

async function lostNetwork(): Promise<void> {
  const { relay, replica, fallSilent } = await startBehindRelay();
  fallSilent(true);
  const [answer] = await Promise.all([me(replica), expectTheRestToServe(replica, token)]);
  expectUnavailable(answer);
  relay.heal();
  await until(async () => (await statusOf(replica, "/health/ready")) === 200);
  expect((await me(replica)).data).toEqual({ me: { username: "ada" } });
  await untilPoolIsIdle(replica);
  await replica.close();
  await relay.close();
}

async function slowNetwork(): Promise<void> {
  const { relay, replica } = await startBehindRelay();
  relay.slowness = 150;
  expect((await login(replica)).errors).toBeUndefined();
  expect((await me(replica)).data).toEqual({ me: { username: "ada" } });
  expect(await statusOf(replica, "/health/ready")).toBe(200);
  await replica.close();
  await relay.close();
}

/** What is in flight is answered, and nothing that does not answer holds the end up. */
async function closedWhileSilent(): Promise<void> {
  const { relay, replica, fallSilent } = await startBehindRelay();
  fallSilent(true);
  let arrived = 0;
  replica.app.server.server.on("request", () => (arrived += 1));
  const answers = [me(replica), login(replica)];
  await until(() => arrived === answers.length);
  const began = performance.now();
  await replica.close();
  expect(performance.now() - began).toBeLessThan(30_000);
  for (const answer of await Promise.all(answers)) expectUnavailable(answer);
  await relay.close();
}
