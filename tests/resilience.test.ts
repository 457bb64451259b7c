import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import type { EmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import { findPostmaster } from "../src/embedded-postgres/postmaster.ts";
import { killServer } from "./support/database-process.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import { untilPoolIsIdle } from "./support/pool.ts";
import { until } from "./support/until.ts";

let directory: string;
let postgres: EmbeddedPostgres;
let gateway: Gateway;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-resilience-"));
  postgres = await startEmbeddedPostgres(directory);
  gateway = await startGateway({ DATABASE_URL: postgres.url });
});
afterAll(async () => {
  await gateway.close();
  await postgres.stop();
  await rm(directory, { recursive: true });
});

const status = async (path: string) => (await fetch(`${gateway.url}/health/${path}`)).status;

it("outlives the loss of its database and recovers without a restart", async () => {
  const { token } = await register(gateway, { email: "a@b.co", username: "a", password: "a password" });
  const me = () => gateway.graphql("{ me { username } }", {}, `Token ${token}`);
  await Promise.all(Array.from({ length: 30 }, me));

  await postgres.stop();
  expect([await status("live"), await status("ready")]).toEqual([200, 503]);
  for (const answer of await Promise.all(Array.from({ length: 30 }, me))) {
    expect(answer).toMatchObject({ status: 200, data: { me: null } });
    expect(answer.errors).toEqual([
      expect.objectContaining({
        extensions: { code: "SERVICE_UNAVAILABLE", retryAfter: 5 },
      }),
    ]);
  }
  const twice = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Token ${token}` },
    body: JSON.stringify({ query: "{ a: me { id } b: me { id } }" }),
  });
  expect(twice.headers.get("retry-after")).toBe("5");
  // Whether a token is ours is known without the database: made-up keys cannot make us ask.
  const [, claims, signature] = token.split(".");
  const strangers = Array.from({ length: 30 }, (_, number) => {
    const header = JSON.stringify({ alg: "ES256", typ: "at+jwt", kid: `made up ${number}` });
    return `${Buffer.from(header).toString("base64url")}.${claims}.${signature}`;
  });
  for (const stranger of strangers)
    expect(reasonOf(await gateway.graphql("{ me { username } }", {}, `Token ${stranger}`))).toBe(
      "TOKEN_INVALID",
    );
  expect((await fetch(`${gateway.url}/.well-known/jwks.json`)).status).toBe(200);
  expect(JSON.stringify(await me())).not.toMatch(/ECONN|postgres|127\.0\.0\.1/);

  postgres = await startEmbeddedPostgres(directory, { port: Number(new URL(gateway.databaseUrl).port) });
  await until(async () => (await status("ready")) === 200);
  expect((await me()).data).toEqual({ me: { username: "a" } });
});

it("outlives a database server that is killed, with nothing left of what was under way", async () => {
  const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
  const people = Array.from({ length: 20 }, (_, number) => `killed${number}`);
  const answers = people.map((name) =>
    gateway.graphql(document, { input: { email: `${name}@b.co`, username: name, password: "a password" } }),
  );
  const data = join(directory, "postgres/data");
  const server = await findPostmaster(data);
  await killServer(server?.pid ?? 0, data);
  for (const { errors } of await Promise.all(answers))
    if (errors) expect(errors).toMatchObject([{ extensions: { code: "SERVICE_UNAVAILABLE" } }]);
  expect([await status("live"), await status("ready")]).toEqual([200, 503]);

  await postgres.stop();
  postgres = await startEmbeddedPostgres(directory, { port: Number(new URL(gateway.databaseUrl).port) });
  await until(async () => (await status("ready")) === 200);
  const halfMade = await gateway.sql(
    "select username from users u where not exists (select from sessions s where s.user_id = u.id)",
  );
  expect(halfMade).toEqual([]);
  await untilPoolIsIdle(gateway);
  const pool = await gateway.app.orm.em.getConnection().getNativeClient();
  const open = "select count(*)::int from pg_stat_activity where application_name = 'gatehouse'";
  await until(async () => {
    const [{ count } = { count: -1 }] = await gateway.sql<{ count: number }>(open);
    return count === pool.totalCount;
  });
});

it("outlives connections that are cut under it", async () => {
  const input = { email: "cut@b.co", username: "cut", password: "a password" };
  const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
  await Promise.all([
    gateway.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gatehouse'",
    ),
    gateway.graphql(document, { input }),
  ]);
  await until(async () => (await status("ready")) === 200);
  const again = await gateway.graphql("mutation ($input: LoginInput!) { login(input: $input) { token } }", {
    input: { username: "cut", password: "a password" },
  });
  // Whether the cut came before or after the commit: an account is there with its session, or neither is.
  const [counts] = await gateway.sql<{ users: number; sessions: number }>(
    `select count(distinct u.id)::int as users, count(s.id)::int as sessions
     from users u left join sessions s on s.user_id = u.id where u.username = 'cut'`,
  );
  expect(counts).toEqual(again.errors ? { users: 0, sessions: 0 } : { users: 1, sessions: 2 });
});

it("gets back every connection that is cut in the midst of a transaction", async () => {
  const cut = () =>
    gateway.app.orm.em
      .fork()
      .transactional((em) => em.execute("select pg_terminate_backend(pg_backend_pid())"));
  const cuts = await Promise.allSettled(Array.from({ length: 60 }, cut));
  expect(cuts.map(({ status: end }) => end)).toEqual(Array.from({ length: 60 }, () => "rejected"));
  await register(gateway, { email: "b@b.co", username: "b", password: "a password" });
});
