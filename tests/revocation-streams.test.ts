import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";
import { Client } from "pg";
import { databaseUrl, query } from "./support/database.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { feedPath, idsOf, openStream } from "./support/revocation-feed.ts";
import type { FeedStream } from "./support/revocation-feed.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ TRUST_PROXY: "1" });
});
afterAll(() => gateway.close());

const streams: FeedStream[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});
const open = async (from = gateway, address?: string) => {
  const stream = await openStream(from.url, address);
  streams.push(stream);
  await until(() => stream.events.length > 0 || stream.ended);
  return stream;
};

const refusal = async (address: string) => {
  const headers = { accept: "text/event-stream", "x-forwarded-for": address };
  const answer = await fetch(`${gateway.url}${feedPath}`, { headers });
  return [answer.status, answer.headers.get("retry-after"), await answer.json()];
};
const hundred = (address: (index: number) => string) =>
  Promise.all(Array.from({ length: 100 }, (_, index) => open(gateway, address(index))));

/** As the triggers do it. @returns the ids */
const revoke = async (count: number) => {
  const rows = await gateway.sql<{ id: string }>(
    `with made as (
       insert into session_revocations select gen_random_uuid(), now() from generate_series(1, $1)
       returning session_id as id
     )
     select id, pg_notify('gatehouse_session_ended', id::text) from made`,
    [count],
  );
  return rows.map(({ id }) => id);
};
/** The ids that a reader has heard of. */
const heardBy = (stream: FeedStream) => new Set(stream.events.flatMap(({ ids }) => ids));
const list = async (from = gateway) => fetch(`${from.url}${feedPath}`);
/** Reads the body, too: an answer that is not read holds the gateway's stop up. */
const status = async (from = gateway) => {
  const answer = await list(from);
  await answer.arrayBuffer();
  return answer.status;
};
/** By the gateway's own connections, without a notification: only who looks into the table finds it. */
const revokeUnheard = async () => {
  const rows = await gateway.app.orm.em
    .fork()
    .execute<{ id: string }[]>(
      "insert into session_revocations values (gen_random_uuid(), now()) returning session_id as id",
    );
  return rows[0]?.id ?? "";
};
const inPostgres = (text: string) => query(databaseUrl("postgres"), text);
const database = () => new URL(gateway.databaseUrl).pathname.slice(1);
const letIn = (allowed: boolean) =>
  inPostgres(`alter database ${database()} with allow_connections ${allowed}`);
/** Ends connections of the gateway's by their name. */
const cut = (name: string) =>
  inPostgres(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name like '${name}' and datname = '${database()}'`,
  );
const cutListener = () => until(async () => (await cut("gatehouse listener")).length > 0);

describe("the stream of revoked sessions", () => {
  it("begins with the whole list, then tells what is new, and beats", async () => {
    const before = await revoke(3);
    await until(async () => idsOf(await (await list()).text()).length >= 3);
    const stream = await open();
    expect(stream.response.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      "x-accel-buffering": "no",
    });
    expect(stream.events.map(({ event }) => event)).toEqual(["snapshot"]);
    expect(stream.events[0]?.ids).toEqual(expect.arrayContaining(before));

    const added = await revoke(2);
    await until(() => stream.events.length > 1);
    expect(stream.events[1]).toEqual({ event: "revoked", ids: added.toSorted() });
    await until(() => stream.beats > 0);
  });

  it("gathers a storm of sign-outs into few events, and each id comes once", async () => {
    const stream = await open();
    const ids = (await Promise.all(Array.from({ length: 20 }, () => revoke(50)))).flat();
    await until(() => ids.every((id) => heardBy(stream).has(id)));
    const heard = stream.events.slice(1).flatMap((event) => event.ids);
    expect(heard.length).toBe(new Set(heard).size);
    expect(stream.events.length).toBeLessThan(20);
  });

  it("misses nothing while nothing is heard of the database, and sends the list again", async () => {
    const stream = await open();
    const unheard = await revokeUnheard();
    await cutListener();
    await until(() => stream.events.at(-1)?.event === "snapshot" && stream.events.length > 1);
    expect(stream.events.at(-1)?.ids).toContain(unheard);
    const [next = ""] = await revoke(1);
    await until(() => stream.events.at(-1)?.ids.includes(next) === true);
    expect(stream.events.at(-1)).toEqual({ event: "revoked", ids: [next] });
    expect(stream.ended).toBe(false);
  });

  it("finds within seconds what no notification told, as behind a pooler that swallows them", async () => {
    const stream = await open();
    const unheard = await revokeUnheard();
    await until(() => heardBy(stream).has(unheard), 10_000);
    expect(stream.events.at(-1)).toEqual({ event: "revoked", ids: [unheard] });
  });

  it("reads the table every few seconds while it cannot listen", async () => {
    const stream = await open();
    // The pool keeps the connections that it has.
    const { em } = gateway.app.orm;
    await Promise.all(Array.from({ length: 3 }, () => em.fork().execute("select pg_sleep(0.2)")));
    await letIn(false);
    await cutListener();
    for (let count = 0; count < 2; count++) {
      const unheard = await revokeUnheard();
      await until(() => heardBy(stream).has(unheard));
    }
    await letIn(true);
    await until(() => stream.events.at(-1)?.event === "snapshot");
    expect(stream.ended).toBe(false);
  });

  it("has room for a thousand, of one address too; then newcomers take the place of those that have most", async () => {
    const ten = Array.from({ length: 10 }, (_, network) => `2001:db8:${network}:1::`);
    for (const network of ten) await hundred((index) => `${network}${index}`);
    const all = streams.slice(-1_000);
    await until(() => all.every(({ events }) => events.length > 0));
    expect(all.map(({ ended }) => ended)).not.toContain(true);
    expect(await refusal("2001:db8:3:1::ffff")).toEqual([
      503,
      "5",
      { status: "unavailable", reason: "too many streams are open" },
    ]);
    const newcomers: FeedStream[] = [];
    for (const address of ["198.51.100.1", "198.51.100.2", "2001:db8:3:2::1"])
      newcomers.push(await open(gateway, address));
    expect(newcomers.map(({ response }) => response.statusCode)).toEqual([200, 200, 200]);
    await until(() => all.filter(({ ended }) => ended).length === 3);
    const [added = ""] = await revoke(1);
    for (const newcomer of newcomers) await until(() => heardBy(newcomer).has(added));
    expect(await status()).toBe(200);
  });
});

describe("ten thousand revoked sessions", () => {
  it("fit into one list of a few hundred kilobytes, which is signed once for all", async () => {
    const ids = await revoke(10_000);
    await until(async () => idsOf(await (await list()).text()).length >= ids.length);
    const answer = await list();
    const text = await answer.text();
    expect(new Set(idsOf(text))).toEqual(new Set([...idsOf(text), ...ids]));
    expect(text.length).toBeLessThan(350_000);
    // Kept signed: the same text, whoever asks.
    const texts = await Promise.all(Array.from({ length: 50 }, async () => (await list()).text()));
    expect(new Set([text, ...texts]).size).toBe(1);
    const known = await fetch(`${gateway.url}${feedPath}`, {
      headers: { "if-none-match": answer.headers.get("etag") ?? "" },
    });
    expect(known.status).toBe(304);

    const fresh = await startReplica(gateway);
    expect(new Set(idsOf(await (await list(fresh)).text()))).toEqual(new Set(idsOf(text)));
    await fresh.close();
  });
});

describe("a gateway that cannot read which sessions were revoked", () => {
  it("says so, and never that there are none", async () => {
    // Nobody can read a table that is locked, and a start does not find it missing.
    const holder = new Client({ connectionString: gateway.databaseUrl });
    await holder.connect();
    await holder.query("begin; lock table session_revocations in access exclusive mode");
    const late = await startReplica(gateway);
    const answer = await list(late);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await answer.json()).toEqual({
      status: "unavailable",
      reason: "the revoked sessions cannot be read",
    });
    // Nor by a replica that listens: what listens may be dead and not know.
    await until(async () => (await status()) === 503, 30_000);
    await holder.end();
    for (const replica of [gateway, late]) await until(async () => (await status(replica)) === 200);
    expect(idsOf(await (await list(late)).text()).length).toBeGreaterThan(10_000);
    await late.close();
  });

  it("vouches for what it knows for some seconds, gives no sign of life meanwhile, and comes back", async () => {
    const stream = await open();
    await letIn(false);
    await cut("gatehouse%");
    expect(await status()).toBe(200);
    await until(async () => (await status()) === 503, 30_000);
    const { beats } = stream;
    await letIn(true);
    await until(async () => (await status()) === 200);
    await until(() => stream.beats > beats);
    expect(stream.ended).toBe(false);
  });
});

describe("a stop", () => {
  it("ends the streams and does not wait for them", async () => {
    const leaving = await startReplica(gateway);
    const stream = await open(leaving);
    await leaving.close();
    await until(() => stream.ended);
    expect(stream.response.complete).toBe(true);
  });
});

it("drops a reader that does not read, and nobody else", async () => {
  await revoke(100_000);
  const replica = await startReplica(gateway);
  const read = async () => {
    const socket = connect(Number(new URL(replica.url).port), "127.0.0.1");
    socket.write(`GET ${feedPath} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n`);
    await once(socket, "data");
    return socket;
  };
  const reader = await read();
  reader.on("data", () => {});
  const stalled = (await read()).pause();
  await until(async () => {
    const heard = reader.bytesRead;
    await cutListener();
    await until(() => reader.bytesRead > heard + 2_500_000);
    const { server } = replica.app.server;
    return (await promisify(server.getConnections.bind(server))()) === 1;
  }, 45_000);
  expect(reader.closed).toBe(false);
  stalled.destroy();
  await replica.close();
});
