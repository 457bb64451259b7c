// The least that answers a GraphQL request on the gateway's own foundation: one constant field, nothing around it.
// Argument: the port, if it matters.
import { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import fastify from "fastify";

const apollo = new ApolloServer({
  typeDefs: "type Query { constant: Int! }",
  resolvers: { Query: { constant: () => 1 } },
  stopOnTerminationSignals: false,
});
await apollo.start();
const server = fastify();
server.post("/graphql", fastifyApolloHandler(apollo));
process.send?.(await server.listen({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0) }));
