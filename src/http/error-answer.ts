import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { internalError } from "../graphql/error-format.ts";

/** Answers what failed outside GraphQL (an unreadable body, a body too large) in the shape of a GraphQL answer. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status >= 500)
    return reply.code(500).send({ errors: [internalError(error, request.id, request.server.log)] });
  const code = status === 413 ? "PAYLOAD_TOO_LARGE" : "BAD_REQUEST";
  return reply.code(status).send({ errors: [{ message: error.message, extensions: { code } }] });
}
