import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface StatementRelay {
  /** The database by way of the relay. */
  url: string;
  /** Every statement that was executed, in order. */
  statements: string[];
  close(): Promise<void>;
}

/** Stands between a client and its PostgreSQL and notes what is executed, as it goes over the wire. */
export async function startStatementRelay(databaseUrl: string): Promise<StatementRelay> {
  const target = new URL(databaseUrl);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    const note = statementReader((statement) => void statements.push(statement));
    client.on("data", note).pipe(server).pipe(client);
    for (const socket of [client, server]) sockets.add(socket.on("error", () => socket.destroy()));
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String((relay.address() as AddressInfo).port);
  return {
    url: url.href,
    statements,
    async close() {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, "close");
    },
  };
}

/** By which a gateway keeps hearing what the database tells: they belong to no request. */
const hearing = /^(listen "|select pg_notify\(\$1, \$2\)$)/;

/** Reads a client's side of the protocol: a start-up message without a type, then messages of type, length and content. */
export function statementReader(reportAny: (statement: string) => void): (chunk: Buffer) => void {
  const report = (statement: string) => {
    if (!hearing.test(statement)) reportAny(statement);
  };
  const prepared = new Map<string, string>();
  let pending = Buffer.alloc(0);
  let typeLength = 0;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= typeLength + 4) {
      const length = typeLength + pending.readInt32BE(typeLength);
      if (pending.length < length) return;
      const type = typeLength === 0 ? "" : String.fromCharCode(pending[0] ?? 0);
      const [first = "", second = ""] = pending.toString("utf8", typeLength + 4, length).split("\0");
      if (type === "Q") report(first);
      // Parse: the name of the statement and its text. Bind: the portal and the name of the statement.
      if (type === "P") prepared.set(first, second);
      if (type === "B") report(prepared.get(second) ?? "");
      pending = pending.subarray(length);
      typeLength = 1;
    }
  };
}
