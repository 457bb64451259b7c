import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answerWithin } from "./abandonment.ts";
import type { Waiting } from "./abandonment.ts";
import { clientAddress } from "./client-address.ts";
import { doorLimits } from "./door-limits.ts";
import { answerVisitor, asApolloReads } from "./graphql-requests.ts";
import { answerKnown, readBody } from "./known-query-answer.ts";
import type { Known } from "./known-query-answer.ts";
import { refuseUnreadableQuery } from "./json-body.ts";
import { KnownOperation } from "../graphql/known-queries.ts";
import type { Context, RequestFacts } from "../graphql/context.ts";
import { tokenOfRequest } from "../verify/authorization-header.ts";

export interface GraphqlDoor {
  apollo: ApolloServer<Context>;
  known: Known;
  makeContext: (request: RequestFacts) => Context;
}

/**
 * GraphQL over HTTP at `/graphql`: POST with JSON, and GET for queries.
 * @param ide whether browsers are sent to the IDE
 */
export async function registerGraphql(
  server: FastifyInstance,
  { apollo, known, makeContext }: GraphqlDoor,
  ide: boolean,
): Promise<void> {
  await apollo.start();
  server.addHook("onClose", () => apollo.stop());
  const waits = new WeakMap<FastifyReply, Waiting>();
  const contextOf = (request: FastifyRequest, waiting: Waiting) =>
    makeContext({
      requestId: request.id,
      ip: clientAddress(request),
      userAgent: request.headers["user-agent"],
      accessToken: tokenOfRequest(request.raw),
      waiting,
    });
  const answerByApollo = fastifyApolloHandler(apollo, {
    context: async (request, reply) =>
      contextOf(request, waits.get(reply) ?? { abandoned: AbortSignal.abort() }),
  });
  const answerInTime = answerWithin(doorLimits.answerTime);
  await server.register(async (scope) => {
    readBody(scope, known);
    scope.route({
      method: ["GET", "POST", "OPTIONS"],
      url: "/graphql",
      onRequest: (request, reply, done) => {
        // Tokens and personal data have no place in a cache.
        reply.header("cache-control", "no-store");
        refuseUnreadableQuery(request.url);
        if (answerVisitor(request, reply, ide) === undefined) done();
      },
      handler: (request, reply) =>
        answerInTime(reply, (waiting) => {
          const { body } = request;
          if (body instanceof KnownOperation)
            return answerKnown(body, contextOf(request, waiting), request, reply);
          waits.set(reply, waiting);
          return answerByApollo.call(scope, asApolloReads(request), reply) as Promise<unknown>;
        }),
    });
  });
}
