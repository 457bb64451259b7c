import fastifyCors from "@fastify/cors";
import fastify, { LogController } from "fastify";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { randomUUID } from "node:crypto";
import { clientAddress } from "./client-address.ts";
import { boundConnections, warnOfBound } from "./connection-bound.ts";
import { doorLimits } from "./door-limits.ts";
import { answerError } from "./error-answer.ts";
import { warnAboutForwarding } from "./forwarding-warnings.ts";
import { registerGraphql } from "./graphql-route.ts";
import type { GraphqlDoor } from "./graphql-route.ts";
import { registerHealth } from "./health.ts";
import { requireHost } from "./host-header.ts";
import { createHttpServer } from "./http-server.ts";
import { refuseUnrouted, sendAllowedMethods } from "./not-found.ts";
import { defaultPressureLimits, refuseUnderPressure } from "./pressure.ts";
import { securityHeaders } from "./security-headers.ts";
import { parseJsonBodies } from "./json-body.ts";
import { proxyTest } from "./trusted-proxies.ts";
import type { TrustProxy } from "./trusted-proxies.ts";
import { runForAddress } from "../shares/current-caller.ts";

export interface ServerOptions {
  graphql: GraphqlDoor;
  /** Rejects with the reason while the gateway cannot serve. */
  checkReadiness: () => Promise<void>;
  logger: FastifyBaseLogger;
  corsOrigins: string[];
  trustProxy: TrustProxy;
  ide: boolean;
  /** That listen at the same address. */
  processes: number;
  /** File descriptors that others may take: the database's connections, and processes. */
  reservedFiles: number;
  /** What the features answer beside GraphQL. */
  routes: Routes[];
}

/** Adds the routes of a feature to the server. */
export type Routes = (server: FastifyInstance) => void;

/** The door: routes, limits and headers. It listens to nothing until told so. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { trustProxy, logger } = options;
  const bound = boundConnections(options.reservedFiles);
  const server: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: () => randomUUID(),
    trustProxy: trustProxy !== false && proxyTest(trustProxy),
    serverFactory: (handler) =>
      createHttpServer(handler, { trustProxy, connections: bound.connections, logger }),
    // The server that is made there answers by itself.
    clientErrorHandler: () => {},
    bodyLimit: doorLimits.body,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    // Paths that cannot be decoded; they come before any hook that sets headers.
    frameworkErrors: (error, request, reply) =>
      void answerError(error, request, reply.header("x-content-type-options", "nosniff")),
  });
  parseJsonBodies(server, server.getDefaultJsonParser("error", "error"));
  server.setErrorHandler(answerError);
  warnAboutForwarding(server, trustProxy);
  warnOfBound(server, bound);
  // Hooks that every request comes by are synchronous: each promise would cost it a turn.
  server.addHook("onResponse", (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split("?", 1)[0]?.slice(0, 200),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ip: clientAddress(request),
      },
      "request",
    );
    done();
  });

  // An answer that is finished during a stop tells its client to leave; a connection kept alive would hold the stop up.
  let closing = false;
  server.addHook("preClose", async () => {
    closing = true;
  });
  server.addHook("onSend", (_request, reply, _payload, done) => {
    if (closing) reply.header("connection", "close");
    done();
  });

  server.addHook("onRequest", (_request, reply, done) => {
    reply.headers(securityHeaders);
    done();
  });
  sendAllowedMethods(server);
  await server.register(fastifyCors, {
    origin: options.corsOrigins,
    methods: ["GET", "POST"],
    // Else scripts of those origins could not read it.
    exposedHeaders: ["Retry-After"],
    maxAge: 600,
    strictPreflight: false,
  });
  await refuseUnderPressure(server, defaultPressureLimits(options.processes));
  // After the body has come: its arrival belongs to the connection, not to the request.
  server.addHook("preHandler", (request, _reply, done) => runForAddress(() => clientAddress(request), done));
  server.addHook("onRequest", requireHost);
  refuseUnrouted(server);
  await registerGraphql(server, options.graphql, options.ide);
  registerHealth(server, options.checkReadiness);
  for (const addRoutes of options.routes) addRoutes(server);
  if (options.ide) {
    const { registerIde } = await import("./ide.ts");
    await registerIde(server);
  }
  return server;
}
