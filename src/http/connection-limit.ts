import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { addressBlocks } from "../security/address-block.ts";
import { ShareTree } from "../shares/share-tree.ts";
import type { SharePath } from "../shares/share-tree.ts";
import { rawAnswer } from "./unreadable-request.ts";

/** Seconds. */
const retryAfter = 5;

const tooMany = rawAnswer(
  503,
  "SERVICE_UNAVAILABLE",
  "Your address has too many connections open. Close some, and try again.",
  retryAfter,
);

const cutOff = rawAnswer(
  503,
  "SERVICE_UNAVAILABLE",
  "Your address has too many connections open. The operation may have been executed.",
);

interface Connection {
  socket: Socket;
  path: SharePath;
}

/**
 * Bounds the open connections. One address may have all of them, but at the limit a new connection replaces
 * one of the address that has most, or an idle one of its own address. The replaced connection gets a 503.
 * A connection that executes an operation is replaced only where its address has no other.
 * @param isProxy recognises addresses that forward for many clients; their connections count but are never replaced
 */
export function limitConnections(server: Server, most: number, isProxy: (address: string) => boolean): void {
  const shares = new ShareTree<Connection>();
  let open = 0;

  const forget = (connection: Connection) => {
    if (shares.remove(connection.path, connection)) open -= 1;
  };
  const makeRoom = (path: SharePath): boolean => {
    const overShare = shares.findOverShare(path);
    const displaced = findIdle(overShare ?? shares.itemsOf(path)) ?? findLeastLoss(overShare ?? []);
    if (displaced === undefined) return false;
    forget(displaced);
    cut(displaced.socket);
    return true;
  };

  server.prependListener("connection", (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return;
    const path = addressBlocks(remoteAddress);
    if (open >= most && !makeRoom(path)) return refuse(socket);
    open += 1;
    if (isProxy(remoteAddress)) {
      socket.once("close", () => (open -= 1));
      return;
    }
    const connection = { socket, path };
    shares.add(path, connection);
    socket.once("close", () => forget(connection));
  });
}

function refuse(socket: Socket, answer = tooMany): void {
  socket.end(answer);
  socket.destroySoon();
}

/** Ends a connection with an answer, unless one has begun. */
function cut(socket: Socket): void {
  const answer = answerOf(socket);
  if (answer?.headersSent) socket.destroy();
  else if (answer && isExecuting(answer)) refuse(socket, cutOff);
  else refuse(socket);
}

/** The oldest on which no request is being answered. */
function findIdle(connections: Iterable<Connection>): Connection | undefined {
  for (const connection of connections) if (!answerOf(connection.socket)) return connection;
  return undefined;
}

/** The newest whose request changes nothing or has not come whole; else the newest. */
function findLeastLoss(connections: Iterable<Connection>): Connection | undefined {
  const newestFirst = [...connections].toReversed();
  return newestFirst.find(({ socket }) => !isExecuting(answerOf(socket))) ?? newestFirst[0];
}

function isExecuting(answer: ServerResponse | undefined): boolean {
  return answer !== undefined && answer.req.method === "POST" && answer.req.complete;
}

/** Node's own field: the answer that is being made on a connection. */
function answerOf(socket: Socket): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
