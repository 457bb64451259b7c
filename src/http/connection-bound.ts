import type { FastifyInstance } from "fastify";
import { doorLimits } from "./door-limits.ts";

/** File descriptors that Node, the log and files take, with room to spare. */
const ownFiles = 100;

/** Whatever is reserved, so much of the limit is left to connections. */
const leastPart = 0.25;

export interface ConnectionBound {
  /** Open at a time. */
  connections: number;
  /** The process's limit of open files. */
  openFiles: number;
}

/**
 * How many connections may be open at a time, so that file descriptors are left for everything else: without one, neither
 * files nor the database nor processes can be opened.
 * @param reserved file descriptors that other parts of the process may take
 */
export function boundConnections(reserved: number): ConnectionBound {
  const openFiles = openFileLimit();
  const left = Math.max(Math.floor(openFiles * leastPart), openFiles - ownFiles - reserved);
  return { connections: Math.min(doorLimits.connections, left), openFiles };
}

/** Says so once the server listens, where fewer connections than usual may be open. */
export function warnOfBound(server: FastifyInstance, bound: ConnectionBound): void {
  if (bound.connections === doorLimits.connections) return;
  server.addHook("onListen", (done) => {
    const message =
      "the limit of open files (ulimit -n) allows fewer connections than usual: raise it to serve more at a time";
    server.log.warn(bound, message);
    done();
  });
}

/** Node raises the soft limit to the hard one at its start. Infinity where there is none, or none that can be read. */
function openFileLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const limit = Number(userLimits?.open_files?.soft ?? Infinity);
  return Number.isNaN(limit) ? Infinity : limit;
}
