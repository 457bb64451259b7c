import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { httpOf } from "../graphql/answers.ts";
import type { GraphqlEngine } from "../graphql/apollo.ts";
import type { Context, RequestFacts } from "../graphql/context.ts";
import type { KnownQuery } from "../graphql/known-queries.ts";
import { answerWithin } from "./abandonment.ts";
import { clientAddress } from "./client-address.ts";
import { doorLimits } from "./door-limits.ts";

/** GraphQL over HTTP at `/graphql`: POST with JSON, and GET for queries. */
export async function registerGraphql(
  server: FastifyInstance,
  { apollo, knownQueries, answerKnown }: GraphqlEngine,
  makeContext: (request: RequestFacts) => Context,
): Promise<void> {
  await apollo.start();
  server.addHook("onClose", () => apollo.stop());
  const contextOf = (request: FastifyRequest, abandoned: AbortSignal) =>
    makeContext({
      requestId: request.id,
      ip: clientAddress(request),
      userAgent: request.headers["user-agent"],
      authorization: request.headers.authorization,
      abandoned,
    });
  const signals = new WeakMap<FastifyReply, AbortSignal>();
  const byApollo = fastifyApolloHandler(apollo, {
    context: async (request, reply) => contextOf(request, signals.get(reply) ?? AbortSignal.abort()),
  });
  const known = async (
    query: KnownQuery,
    request: FastifyRequest,
    reply: FastifyReply,
    abandoned: AbortSignal,
  ) => {
    const result = await answerKnown(query, contextOf(request, abandoned));
    const { status = 200, headers } = httpOf(result, request.headers.accept);
    reply.code(status).headers({ "content-type": query.mediaType, ...headers });
    const { errors, data, extensions } = result;
    return `${JSON.stringify({ errors, data, extensions })}\n`;
  };
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
        const { body, headers, method } = request;
        const query =
          method === "POST" ? knownQueries.find(body, headers["content-type"], headers.accept) : undefined;
        if (query) return known(query, request, reply, abandoned);
        signals.set(reply, abandoned);
        return byApollo.call(server, request, reply) as Promise<unknown>;
      }),
  });
}
