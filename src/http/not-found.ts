import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Answers what no route answers: 405 where another method would do, else 404. */
export function refuseUnrouted(server: FastifyInstance): void {
  server.setNotFoundHandler(answerUnrouted);
  // Before a body is read, which might be refused for what it is.
  server.addHook("onRequest", (request, reply, done) => {
    if (request.is404) answerUnrouted(request, reply);
    else done();
  });
}

/** Says in the header `Allow` which methods a path has, for OPTIONS. */
export function sendAllowedMethods(server: FastifyInstance): void {
  server.addHook("onRequest", (request, reply, done) => {
    const allowed = request.method === "OPTIONS" ? allowedMethods(request) : [];
    if (allowed.length > 0) reply.header("allow", allowed.join(", "));
    done();
  });
}

function answerUnrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { method, url } = request;
  const path = url.slice(0, 200);
  const allowed = allowedMethods(request);
  if (allowed.length === 0)
    return refuse(
      reply.code(404),
      "NOT_FOUND",
      `Nothing is at ${method} ${path}. The API is at POST /graphql.`,
    );
  const methods = allowed.join(", ");
  const message = `${path} does not take ${method}, but ${methods}. The API is at POST /graphql.`;
  return refuse(reply.code(405).header("allow", methods), "BAD_REQUEST", message);
}

function refuse(reply: FastifyReply, code: string, message: string): FastifyReply {
  return reply.send({ errors: [{ message, extensions: { code } }] });
}

/** The methods of the route at the path; none where there is no route. */
function allowedMethods({ server, url }: FastifyRequest): string[] {
  const path = url.split("?", 1)[0]?.replace(/(?<=.)\/$/, "") ?? "";
  return server.supportedMethods.filter((method) => server.hasRoute({ url: path, method }));
}
