import type { FastifyRequest } from "fastify";
import { isIP } from "node:net";

/** Where a request comes from; what a trusted proxy passes on counts only when it is an address. */
export function clientAddress(request: FastifyRequest): string {
  return isIP(request.ip) ? request.ip : (request.socket.remoteAddress ?? "");
}
