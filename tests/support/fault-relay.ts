import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { statementReader } from "./statement-relay.ts";

/** Whether a connection ends before the server hears of a statement, or when it has executed it and nobody hears of that. */
export type CutTime = "before" | "after";

export interface FaultRelay {
  /** The database by way of the relay. */
  url: string;
  /** Cuts the connection of the statement of that number, counted from now on, beginning with 1. */
  cutAt(number: number, when: CutTime): void;
  /** Whether that statement has not come; it is not waited for any more. */
  disarm(): boolean;
  /** Nothing passes any more, and nothing is closed, as when a network is lost: on what is open and, if so, on what is opened. */
  fallSilent(alsoOpened?: boolean): void;
  /** What is opened passes again; what fell silent stays so. */
  heal(): void;
  /** Milliseconds by which each answer comes late. */
  slowness: number;
  close(): Promise<void>;
}

/** Stands between a gateway and its PostgreSQL, and fails in the ways in which a network does. */
export async function startFaultRelay(databaseUrl: string): Promise<FaultRelay> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const silencers = new Set<() => void>();
  let armed: { number: number; when: CutTime } | undefined;
  let silent = false;

  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    for (const socket of [client, database])
      sockets.add(
        socket
          .on("error", () => socket.destroy())
          .on("close", () => {
            client.destroy();
            database.destroy();
          }),
      );
    let isSilent = silent;
    let cut: CutTime | undefined;
    silencers.add(() => (isSilent = true));
    const read = statementReader(() => {
      if (armed === undefined || --armed.number > 0) return;
      cut = armed.when;
      armed = undefined;
    });
    client.on("data", (chunk) => {
      read(chunk);
      if (isSilent) return;
      if (cut === "before") client.destroy();
      else database.write(chunk);
    });
    let tail = Buffer.alloc(0);
    database.on("data", (chunk) => {
      if (isSilent) return;
      tail = Buffer.concat([tail, chunk]).subarray(-6);
      if (cut === undefined) setTimeoutUnlessNone(relay.slowness, () => client.write(chunk));
      else if (isReadyForQuery(tail)) client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);

  const relay: FaultRelay = {
    url: url.href,
    slowness: 0,
    cutAt: (number, when) => void (armed = { number, when }),
    disarm() {
      const waited = armed !== undefined;
      armed = undefined;
      return waited;
    },
    fallSilent(alsoOpened = false) {
      for (const silence of silencers) silence();
      silent = alsoOpened;
    },
    heal: () => void (silent = false),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return relay;
}

/** The end of an answer: its type, its length, and how the transaction stands. */
function isReadyForQuery(tail: Buffer): boolean {
  return tail.length === 6 && tail.toString("latin1", 0, 1) === "Z" && tail.readInt32BE(1) === 5;
}

function setTimeoutUnlessNone(milliseconds: number, work: () => void): void {
  if (milliseconds === 0) work();
  else setTimeout(work, milliseconds);
}
