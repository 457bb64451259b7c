import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createDatabase, dropDatabase, query } from "./support/database.ts";
import { gatehouse, killAll, post, serve } from "./support/gateway-process.ts";
import type { GatehouseProcess } from "./support/gateway-process.ts";
import { until } from "./support/until.ts";

let databaseUrl: string;
let environment: Record<string, string>;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  environment = {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
    MIGRATE_ON_START: "on",
  };
});
afterAll(async () => {
  await killAll();
  await dropDatabase(databaseUrl);
});

/** Makes so many requests that their lines fill a pipe and, with some thousands, the buffer behind it. */
async function flood(url: string, count: number): Promise<void> {
  const nothing = `${url}/${"x".repeat(199)}`;
  const request = async () => {
    const answer = await fetch(nothing);
    await answer.arrayBuffer();
    expect(answer.status).toBe(404);
  };
  for (let index = 0; index < count; index += 20)
    await Promise.all(Array.from({ length: 20 }, () => request()));
}

const stopReading = ({ child }: GatehouseProcess) => {
  child.stdout?.pause();
  child.stderr?.pause();
};

/** What `spawn` makes is a socket. */
const byPipe = ["bash", "-c", 'exec "$0" "$@" > >(exec cat)'];

describe("gatehouse serve, when nobody reads its output", () => {
  it.each([
    ["a socket", {}, []],
    ["a pipe", {}, byPipe],
    ["the output of several workers", { WORKERS: "2" }, []],
  ])("answers and ends on SIGTERM: %s", async (_what, settings, wrapper) => {
    const gateway = await serve({ ...environment, ...settings }, wrapper);
    stopReading(gateway);
    await flood(gateway.url, 2_000);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
    expect(await post(gateway.url, "{ __typename }")).toEqual({ data: { __typename: "Query" } });
    gateway.child.kill("SIGTERM");
    await until(() => gateway.child.exitCode !== null);
    expect(gateway.child.exitCode).toBe(0);
    gateway.child.stdout?.resume();
    gateway.child.stderr?.resume();
    await gateway.exit;
  });

  it("goes on when the reader is gone", async () => {
    const gateway = await serve(environment);
    gateway.child.stdout?.destroy();
    await flood(gateway.url, 100);
    expect(await post(gateway.url, "{ __typename }")).toEqual({ data: { __typename: "Query" } });
    gateway.child.kill("SIGTERM");
    await until(() => gateway.child.exitCode !== null);
    expect(gateway.child.exitCode).toBe(0);
  });

  it("counts the lines that it drops, and says so when they are read again", async () => {
    const gateway = await serve(environment);
    stopReading(gateway);
    await flood(gateway.url, 6_000);
    gateway.child.stdout?.resume();
    await until(() => gateway.output.stdout.includes('"dropped":'));
    await post(gateway.url, "{ __typename }");
    gateway.child.kill("SIGTERM");
    const { stdout } = await gateway.exit;
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { dropped?: number; msg: string; path?: string });
    const [report, ...others] = lines.filter(({ dropped }) => dropped !== undefined);
    expect(report?.msg).toBe("log lines were dropped because the output was not read in time");
    expect(others).toEqual([]);
    const written = lines.filter(({ path }) => path?.startsWith("/xxx")).length;
    expect(written + (report?.dropped ?? 0)).toBe(6_000);
    expect(lines.at(-1)?.msg).toBe("stopped");
  });
});

it("gatehouse events --follow ends on SIGTERM when nobody reads its output", async () => {
  const migrated = await gatehouse(["migrate", "up"], environment).exit;
  expect(migrated.code).toBe(0);
  await query(
    databaseUrl,
    `insert into auth_events (type, outcome, actor, user_agent)
     select 'SIGNED_IN', 'success', 'user', repeat('x', 200) from generate_series(1, 5000)`,
  );
  const events = gatehouse(["events", "--follow", "--limit", "10000", "--json"], environment);
  events.child.stdout?.removeAllListeners("data").pause();
  await until(() => (events.child.stdout?.readableLength ?? 0) > 0);
  events.child.kill("SIGTERM");
  await until(() => events.child.exitCode !== null);
  expect(events.child.exitCode).toBe(0);
  events.child.stdout?.resume();
  await events.exit;
});
