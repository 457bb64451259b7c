import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Transform } from "node:stream";
import { RoundTrips } from "./round-trips.ts";
import { messageReader, noticeText } from "./wire-messages.ts";

export interface StatementRelay {
  /** The database by way of the relay. */
  url: string;
  /** Every statement that was executed, in order. */
  statements: string[];
  /** What the database said besides its answers. */
  notices: string[];
  trips: RoundTrips;
  close(): Promise<void>;
}

/**
 * Stands between a client and its PostgreSQL and notes what is executed, as it goes over the wire.
 * @param lateness milliseconds by which answers come late, so that what is sent at once is seen before any is answered
 */
export async function startStatementRelay(databaseUrl: string, lateness = 0): Promise<StatementRelay> {
  const target = new URL(databaseUrl);
  const statements: string[] = [];
  const notices: string[] = [];
  const trips = new RoundTrips();
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    /** Of each answer that is to come, its trip. */
    const awaited: number[] = [];
    const note = statementReader(
      (statement) => void statements.push(statement),
      (isOfRequest) => void awaited.push(isOfRequest ? trips.sent() : 0),
    );
    const hear = messageReader("server", (type, content) => {
      if (type === "N") notices.push(noticeText(content));
      if (type === "Z") trips.answered(awaited.shift() ?? 0);
    });
    const passOn = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const pass = () => {
          hear(chunk);
          done(null, chunk);
        };
        if (lateness > 0) setTimeout(pass, lateness);
        else pass();
      },
    });
    client.on("data", note).pipe(server).pipe(passOn).pipe(client);
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
    notices,
    trips,
    async close() {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, "close");
    },
  };
}

/** Statements of a gateway that belong to no request: notifications, the time, and the set-up of connections. */
const background =
  /^(listen "|select pg_notify\(\$1, \$2\)$|select extract\(epoch from clock_timestamp\(\)\)|\s*select set_config\(name, )/;

/**
 * Reads a client's side of the protocol.
 * @param asked called for each message that ReadyForQuery answers
 */
export function statementReader(
  reportAny: (statement: string) => void,
  asked: (isOfRequest: boolean) => void = () => {},
): (chunk: Buffer) => void {
  const prepared = new Map<string, string>();
  let isIntroduced = false;
  let isOfRequest = true;
  const report = (statement: string) => {
    isOfRequest = !background.test(statement);
    if (isOfRequest) reportAny(statement);
  };
  return messageReader("client", (type, content) => {
    const [first = "", second = ""] = content.toString("utf8").split("\0");
    if (type === "Q") report(first);
    // Parse: the name of the statement and its text. Bind: the portal and the name of the statement.
    if (type === "P") prepared.set(first, second);
    if (type === "B") report(prepared.get(second) ?? "");
    // Query and Sync; and all of the introduction has one ReadyForQuery, too.
    if (type === "Q" || type === "S" || !isIntroduced) asked(isOfRequest);
    isIntroduced = true;
  });
}
