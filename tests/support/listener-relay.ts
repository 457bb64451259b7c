import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { statementReader } from "./statement-relay.ts";

export interface ListenerRelay {
  /** The database by way of the relay. */
  url: string;
  /** What requests executed, in order. */
  statements: string[];
  /** What becomes of a listening connection that is opened. */
  listener: "heard" | "refused" | "listen is swallowed";
  /** Nothing of the database passes on the listening connection any more, and nothing is closed. */
  silenceListener(): void;
  cutListener(): void;
  /** Keeps the database's answers to requests back, until they are let go. */
  hold(): void;
  /** How many are kept back. */
  readonly held: number;
  letGo(): void;
  close(): Promise<void>;
}

/** Stands between a gateway and its PostgreSQL, and tells the connection that listens from those of the pool. */
export async function startListenerRelay(databaseUrl: string): Promise<ListenerRelay> {
  const target = new URL(databaseUrl);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const listeners = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let held: (() => void)[] | undefined;

  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    client.on("close", () => database.destroy());
    database.on("close", () => client.destroy());
    let isListener: boolean | undefined;
    const opened = relay.listener;
    const read = statementReader((statement) => void statements.push(statement));
    client.on("data", (chunk) => {
      isListener ??= chunk.includes("gatehouse listener");
      if (!isListener) read(chunk);
      else if (opened === "refused") return client.destroy();
      else listeners.add(client);
      return database.write(isListener && opened === "listen is swallowed" ? withoutListen(chunk) : chunk);
    });
    database.on("data", (answer) => {
      const chunk = withAnotherProcess(answer);
      if (silent.has(client)) return;
      if (held === undefined || isListener) client.write(chunk);
      else held.push(() => client.write(chunk));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  const relay: ListenerRelay = {
    url: url.href,
    statements,
    listener: "heard",
    silenceListener() {
      for (const socket of listeners) silent.add(socket);
    },
    cutListener() {
      for (const socket of listeners) socket.destroy();
    },
    hold: () => void (held = []),
    get held() {
      return held?.length ?? 0;
    },
    letGo() {
      for (const pass of held ?? []) pass();
      held = undefined;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return relay;
}

/** As a pooler in transaction mode: the statement is executed, and of no effect. */
function withoutListen(chunk: Buffer): Buffer {
  const text = chunk.toString("latin1");
  return Buffer.from(
    text.replace(/listen "[^"]*"/, (statement) => "select 1".padEnd(statement.length)),
    "latin1",
  );
}

/** As every pooler: what the start of a connection says of its process (BackendKeyData) is the pooler's own. */
function withAnotherProcess(chunk: Buffer): Buffer {
  const at = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  if (at >= 0) chunk.writeInt32BE(1, at + 5);
  return chunk;
}
