import fastifyCors from "@fastify/cors";
import fastify, { LogController } from "fastify";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { randomUUID } from "node:crypto";
import { clientAddress } from "./client-address.ts";
import { boundConnections, warnOfBound } from "./connection-bound.ts";
import { doorLimits } from "./door-limits.ts";
import { answerError } from "./error-answer.ts";
import { registerGraphql } from "./graphql-route.ts";
import type { GraphqlDoor } from "./graphql-route.ts";
import { registerHealth } from "./health.ts";
import { requireHost } from "./host-header.ts";
import { createHttpServer } from "./http-server.ts";
import { defaultPressureLimits, refuseUnderPressure } from "./pressure.ts";
import { securityHeaders } from "./security-headers.ts";
import type { TrustProxy } from "./trusted-proxies.ts";
import { runForAddress } from "../shares/current-caller.ts";

export interface ServerOptions {
  graphql: GraphqlDoor;
  /** Resolves when the database answers. */
  checkDatabase: () => Promise<void>;
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
    trustProxy:
      typeof trustProxy === "number" ? (_address: string, hop: number) => hop < trustProxy : trustProxy,
    serverFactory: (handler) =>
      createHttpServer(handler, { trustProxy, connections: bound.connections, logger }),
    // The server that is made there answers by itself.
    clientErrorHandler: () => {},
    bodyLimit: doorLimits.body,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 200 },
    // Paths that cannot be decoded; they come before any hook that sets headers.
    frameworkErrors: (error, request, reply) =>
      void answerError(error, request, reply.header("x-content-type-options", "nosniff")),
  });
  server.setErrorHandler(answerError);
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      errors: [
        {
          message: `Nothing is at ${request.method} ${request.url.slice(0, 200)}. The API is at POST /graphql.`,
          extensions: { code: "NOT_FOUND" },
        },
      ],
    }),
  );
  if (trustProxy === false) warnOfProxy(server);
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
  await registerGraphql(server, options.graphql);
  registerHealth(server, options.checkDatabase);
  for (const addRoutes of options.routes) addRoutes(server);
  if (options.ide) {
    const { registerIde } = await import("./ide.ts");
    await registerIde(server);
  }
  return server;
}

/** Behind a proxy that is not named, everybody has its address, and shares the limits of one. Said once: anybody can send the header. */
function warnOfProxy(server: FastifyInstance): void {
  let warned = false;
  server.addHook("onRequest", (request, _reply, done) => {
    if (!warned && request.headers["x-forwarded-for"] !== undefined) {
      warned = true;
      request.log.warn("X-Forwarded-For came and is not believed: if a proxy is in front, set TRUST_PROXY");
    }
    done();
  });
}
