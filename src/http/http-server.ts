import type { FastifyBaseLogger } from "fastify";
import type { RequestListener, Server } from "node:http";
import { limitConnections } from "./connection-limit.ts";
import { doorLimits } from "./door-limits.ts";
import { createServer } from "./node-http.ts";
import { proxyTest } from "./trusted-proxies.ts";
import type { TrustProxy } from "./trusted-proxies.ts";
import { answerUnreadable, refuseExpectation } from "./unreadable-request.ts";

export interface HttpServerOptions {
  trustProxy: TrustProxy;
  /** Open at a time. */
  connections: number;
  logger: Pick<FastifyBaseLogger, "error">;
}

/** The server below Fastify, with the limits of what comes before there is a request. */
export function createHttpServer(
  handler: RequestListener,
  { trustProxy, connections, logger }: HttpServerOptions,
): Server {
  const server = createServer(
    {
      maxHeaderSize: doorLimits.headers,
      headersTimeout: doorLimits.headersTime,
      requestTimeout: doorLimits.requestTime,
      connectionsCheckingInterval: doorLimits.timeChecks,
      keepAliveTimeout: doorLimits.keepAliveTime,
      // Node would answer without a word; server.ts refuses it with one.
      requireHostHeader: false,
    },
    handler,
  );
  server.setTimeout(doorLimits.idleTime);
  server.on("clientError", answerUnreadable);
  server.on("checkExpectation", refuseExpectation);
  // A connection that cannot be accepted concerns nobody else.
  server.once("listening", () =>
    server.on("error", (err) => logger.error({ err }, "a connection could not be accepted")),
  );
  limitConnections(server, connections, proxyTest(trustProxy));
  return server;
}
