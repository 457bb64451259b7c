import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { CallerError } from "../errors.ts";
import { callerErrorOf, internalError } from "../graphql/error-format.ts";

/** Where Fastify's own message, by its error code, does not say what to do. */
const advice: Record<string, { code: string; message: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "PAYLOAD_TOO_LARGE",
    message: "The body is larger than 100,000 bytes.",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "BAD_REQUEST",
    message: "Send the body as JSON, with the header `content-type: application/json`.",
  },
};

/** The status of a failure of ours where there is no GraphQL to say 200. */
const statuses: Record<string, number> = { TOO_MANY_REQUESTS: 429, SERVICE_UNAVAILABLE: 503 };

/** Answers what failed outside GraphQL (an unreadable body, a body too large) in the shape of a GraphQL answer. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = callerErrorOf(error, request.id, request.server.log);
  if (failure) return answerCallerError(failure, reply);
  const status = error.statusCode ?? 500;
  if (status >= 500)
    return reply.code(500).send({ errors: [internalError(error, request.id, request.server.log)] });
  const { code, message } = advice[error.code] ?? { code: "BAD_REQUEST", message: error.message };
  return reply.code(status).send({ errors: [{ message, extensions: { code } }] });
}

function answerCallerError({ code, message, details }: CallerError, reply: FastifyReply): FastifyReply {
  const { retryAfter } = details;
  if (typeof retryAfter === "number") reply.header("retry-after", retryAfter);
  return reply.code(statuses[code] ?? 400).send({ errors: [{ message, extensions: { code, ...details } }] });
}
