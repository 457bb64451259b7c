import type { RequestListener, Server } from "node:http";
import { limitConnections } from "./connection-limit.ts";
import { doorLimits } from "./door-limits.ts";
import { createServer } from "./node-http.ts";
import { proxyTest } from "./trusted-proxies.ts";
import type { TrustProxy } from "./trusted-proxies.ts";
import { answerUnreadable, refuseExpectation } from "./unreadable-request.ts";

/** The server below Fastify, with the limits of what comes before there is a request. */
export function createHttpServer(handler: RequestListener, trustProxy: TrustProxy): Server {
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
  limitConnections(server, doorLimits.connections, proxyTest(trustProxy));
  return server;
}
