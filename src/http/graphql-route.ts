import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { FastifyInstance, FastifyReply } from "fastify";
import { answerWithin } from "./abandonment.ts";
import { clientAddress } from "./client-address.ts";
import { doorLimits } from "./door-limits.ts";
import type { Context, RequestFacts } from "../graphql/context.ts";

/** GraphQL over HTTP at `/graphql`: POST with JSON, and GET for queries. */
export async function registerGraphql(
  server: FastifyInstance,
  apollo: ApolloServer<Context>,
  makeContext: (request: RequestFacts) => Context,
): Promise<void> {
  await apollo.start();
  server.addHook("onClose", () => apollo.stop());
  const signals = new WeakMap<FastifyReply, AbortSignal>();
  const answer = fastifyApolloHandler(apollo, {
    context: async (request, reply) =>
      makeContext({
        requestId: request.id,
        ip: clientAddress(request),
        userAgent: request.headers["user-agent"],
        authorization: request.headers.authorization,
        abandoned: signals.get(reply) ?? AbortSignal.abort(),
      }),
  });
  server.route({
    method: ["GET", "POST", "OPTIONS"],
    url: "/graphql",
    onRequest: (_request, reply, done) => {
      // Tokens and personal data have no place in a cache.
      reply.header("cache-control", "no-store");
      done();
    },
    handler: (request, reply) =>
      answerWithin(doorLimits.answerTime, reply, (abandoned) => {
        signals.set(reply, abandoned);
        return answer.call(server, request, reply) as Promise<unknown>;
      }),
  });
}
