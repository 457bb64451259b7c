import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { FastifyInstance } from "fastify";
import { clientAddress } from "./client-address.ts";
import type { Context } from "../graphql/context.ts";

/** What the context is made from. */
export interface RequestFacts {
  requestId: string;
  ip: string;
  userAgent: string | undefined;
  authorization: string | undefined;
}

/** GraphQL over HTTP at `/graphql`: POST with JSON, and GET for queries. */
export async function registerGraphql(
  server: FastifyInstance,
  apollo: ApolloServer<Context>,
  makeContext: (request: RequestFacts) => Context,
): Promise<void> {
  await apollo.start();
  server.addHook("onClose", () => apollo.stop());
  server.route({
    method: ["GET", "POST", "OPTIONS"],
    url: "/graphql",
    onRequest: async (_request, reply) => {
      // Tokens and personal data have no place in a cache.
      reply.header("cache-control", "no-store");
    },
    handler: fastifyApolloHandler(apollo, {
      context: async (request) =>
        makeContext({
          requestId: request.id,
          ip: clientAddress(request),
          userAgent: request.headers["user-agent"],
          authorization: request.headers.authorization,
        }),
    }),
  });
}
