import type { Server } from "node:http";
import type { Socket } from "node:net";
import { addressBlocks } from "../security/address-block.ts";
import { ShareTree } from "../shares/share-tree.ts";
import type { SharePath } from "../shares/share-tree.ts";
import { rawAnswer } from "./unreadable-request.ts";

/** Seconds. */
const retryAfter = 5;

/** How many connections of one address are checked to find an idle one. */
const mostLookedAt = 100;

const tooMany = rawAnswer(
  503,
  "SERVICE_UNAVAILABLE",
  "Your address has too many connections open. Close some, and try again.",
  retryAfter,
);

interface Connection {
  socket: Socket;
  path: SharePath;
}

/**
 * Bounds the open connections. One address may have all of them, but at the limit a new connection replaces
 * one of the address that has most, or an idle one of its own address. The replaced connection gets a 503.
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
    const idle = findIdle(overShare ?? shares.itemsOf(path));
    const displaced = idle ?? [...(overShare ?? [])].at(-1);
    if (displaced === undefined) return false;
    forget(displaced);
    if (displaced === idle) refuse(displaced.socket);
    else displaced.socket.destroy();
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

function refuse(socket: Socket): void {
  socket.end(tooMany);
  socket.destroySoon();
}

/** The oldest on which no request is being answered. */
function findIdle(connections: Iterable<Connection>): Connection | undefined {
  let count = 0;
  for (const connection of connections) {
    if (!isAnswering(connection.socket)) return connection;
    if (++count === mostLookedAt) break;
  }
  return undefined;
}

/** Node's own field: the answer that is being made on a connection. */
function isAnswering(socket: Socket): boolean {
  return Boolean((socket as { _httpMessage?: unknown })._httpMessage);
}
