import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import type { EmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import { migrateUp } from "../src/persistence/migrations.ts";
import { createOrm } from "../src/persistence/orm.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import { until } from "./support/until.ts";

let directory: string;
let postgres: EmbeddedPostgres;
let gateway: Gateway;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-outage-"));
  postgres = await startEmbeddedPostgres(directory);
  const orm = createOrm(postgres.url, { info: () => {} });
  await migrateUp(orm);
  await orm.close();
  gateway = await startGateway({ DATABASE_URL: postgres.url });
});
afterAll(async () => {
  await gateway.close();
  await postgres.stop();
  await rm(directory, { recursive: true });
});

it("lets nobody pass while the database is down, and calls nobody a stranger (ASVS V16.5.3)", async () => {
  const { token } = await register(gateway, { email: "a@b.co", username: "a", password: "a password" });
  const verify = () =>
    fetch(`${gateway.url}/auth/verify?token=true`, { headers: { authorization: `Token ${token}` } });
  await Promise.all(Array.from({ length: 30 }, verify));

  await postgres.stop();
  for (const answer of await Promise.all(Array.from({ length: 30 }, verify))) {
    expect([answer.status, await answer.json()]).toEqual([
      503,
      {
        errors: [
          {
            message: "The service is temporarily unavailable. Try again in a moment.",
            extensions: { code: "SERVICE_UNAVAILABLE", retryAfter: 5 },
          },
        ],
      },
    ]);
    expect(answer.headers.get("retry-after")).toBe("5");
    for (const name of ["x-user-id", "authorization", "www-authenticate"])
      expect(answer.headers.get(name)).toBeNull();
  }
  expect(gateway.log.join("\n")).toMatch(/"cause":\{[^\n]*the database is out/);
  expect((await fetch(`${gateway.url}/auth/verify`)).status).toBe(401);

  postgres = await startEmbeddedPostgres(directory, { port: Number(new URL(gateway.databaseUrl).port) });
  await until(async () => (await verify()).status === 200);
});

it("answers 500 for what nobody foresaw, and lets nobody pass then (ASVS V16.5.3)", async () => {
  const { token } = await register(gateway, { email: "c@b.co", username: "c", password: "a password" });
  await gateway.sql("alter table users rename column bio to other");
  const answer = await fetch(`${gateway.url}/auth/verify`, { headers: { authorization: `Token ${token}` } });
  expect([answer.status, await answer.json()]).toEqual([
    500,
    {
      errors: [
        {
          message: expect.stringMatching(/^Something went wrong on our side/),
          extensions: { code: "INTERNAL_SERVER_ERROR", requestId: expect.any(String) },
        },
      ],
    },
  ]);
  expect(answer.headers.get("x-user-id")).toBeNull();
});
