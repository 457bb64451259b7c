import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { PoolClient } from "pg";
import { findPostmaster } from "../src/embedded-postgres/postmaster.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { killAll, post, serve } from "./support/gateway-process.ts";
import { until } from "./support/until.ts";

const statusOf = async (url: string) => (await fetch(`${url}/health/ready`)).status;

describe("a gateway whose embedded PostgreSQL is filled with silent connections", () => {
  let directory: string;
  const sockets = new Set<Socket>();
  let filling = true;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-silent-"));
  });
  afterAll(async () => {
    filling = false;
    for (const socket of sockets) socket.destroy();
    await killAll();
    await rm(directory, { recursive: true });
  });

  const hold = (port: number) => {
    const socket = connect({ host: "127.0.0.1", port });
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      if (filling) setTimeout(() => hold(port), 50);
    });
  };

  it("is ready, and signs in many at once", async () => {
    const gateway = await serve({ DATA_DIR: directory });
    const input = `{ email: "ada@example.com", username: "ada", password: "correct horse battery" }`;
    await post(gateway.url, `mutation { register(input: ${input}) { token } }`);
    const { port = 0 } = (await findPostmaster(join(directory, "postgres/data"))) ?? {};
    for (let count = 0; count < 400; count++) hold(port);
    const isFull = async () => {
      const client = new Client({ host: "127.0.0.1", port, user: "gatehouse", database: "gatehouse" });
      client.on("error", () => {});
      const code = await client.connect().then(
        () => undefined,
        (error: { code?: string }) => error.code,
      );
      await client.end().catch(() => {});
      return code === "53300";
    };
    await until(isFull);

    const login = `mutation { login(input: { username: "ada", password: "correct horse battery" }) { user { username } } }`;
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => post(gateway.url, login)));
      for (const answer of answers)
        expect(answer).toEqual({ data: { login: { user: { username: "ada" } } } });
      expect(await statusOf(gateway.url)).toBe(200);
    }
    expect(await isFull()).toBe(true);
  });
});

describe("/health/ready", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.close());
  const poolOf = () => gateway.app.orm.em.getConnection().getNativeClient();

  it("is 200 while the pool is full, as long as queries are answered", async () => {
    const pool = await poolOf();
    const queries = Array.from({ length: 300 }, () => pool.query("select pg_sleep(0.8)").catch(() => {}));
    expect(await statusOf(gateway.url)).toBe(200);
    await Promise.all(queries);
  });

  it("is 503 while the pool is full and nothing is answered, for all who ask together", async () => {
    const pool = await poolOf();
    const held: PoolClient[] = [];
    for (let count = 0; count < pool.options.max; count++) held.push(await pool.connect());
    const answers = await Promise.all(Array.from({ length: 5 }, () => statusOf(gateway.url)));
    expect(answers).toEqual(Array(5).fill(503));
    for (const client of held) client.release();
    expect(await statusOf(gateway.url)).toBe(200);
  });

  it.each(["attempts", "users", "sessions", "signing_keys", "auth_events"])(
    "is 503 while the table %s is missing",
    async (table) => {
      await gateway.sql(`alter table ${table} rename to elsewhere`);
      expect(await statusOf(gateway.url)).toBe(503);
      await gateway.sql(`alter table elsewhere rename to ${table}`);
      expect(await statusOf(gateway.url)).toBe(200);
    },
  );

  it("is 503 while what a sign-in writes first cannot be written", async () => {
    await gateway.sql(`create function disk_full() returns trigger language plpgsql as
      $$ begin raise exception 'No space left on device' using errcode = '53100'; end $$;
      create trigger full_disk before insert or update on attempts execute function disk_full()`);
    expect(await statusOf(gateway.url)).toBe(503);
    await gateway.sql("drop function disk_full cascade");
    expect(await statusOf(gateway.url)).toBe(200);
  });
});
