import { expect, it } from "@jest/globals";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { startGateway, startReplica } from "./support/gateway.ts";
import { feedPath, idsOf } from "./support/revocation-feed.ts";
import { until } from "./support/until.ts";

/** Stands before the database; `cut` makes every connection fall silent without closing it, as a lost network does. */
async function startWire(databaseUrl: string) {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const wire = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) sockets.add(socket.on("error", () => socket.destroy()));
  }).listen(0, "127.0.0.1");
  await once(wire, "listening");
  const url = new URL(databaseUrl);
  url.port = String((wire.address() as AddressInfo).port);
  return {
    url: url.href,
    cut: () => sockets.forEach((socket) => void socket.unpipe().pause()),
    async close() {
      for (const socket of sockets) socket.destroy();
      wire.close();
      await once(wire, "close");
    },
  };
}

it("keys and revocations are followed soon after every connection has died without a word", async () => {
  const gateway = await startGateway();
  const wire = await startWire(gateway.databaseUrl);
  const replica = await startReplica(gateway, { DATABASE_URL: wire.url });
  const answer = async (path: string) => (await fetch(`${replica.url}${path}`)).text();
  expect(idsOf(await answer(feedPath))).toEqual([]);

  wire.cut();
  const next = (await gateway.app.keyRotation?.rotate())?.kid ?? "";
  const [row] = await gateway.sql<{ id: string }>(
    "insert into session_revocations values (gen_random_uuid(), now()) returning session_id as id",
  );
  await until(async () => (await answer("/.well-known/jwks.json")).includes(next), 60_000);
  // Meanwhile it says that it does not know.
  await until(async () => {
    const list = await answer(feedPath);
    return list.startsWith("ey") && idsOf(list).includes(row?.id ?? "");
  }, 60_000);
  await wire.close();
  await replica.close();
  await gateway.close();
}, 120_000);
