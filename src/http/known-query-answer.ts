import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../graphql/context.ts";
import type { HashRefusals } from "../graphql/hash-refusals.ts";
import type { KnownOperation, KnownQueries } from "../graphql/known-queries.ts";
import { withoutEmptyFields } from "./graphql-requests.ts";
import { longestRetryAfter } from "../graphql/retry-after.ts";
import { clientAddress } from "./client-address.ts";
import { parseJsonBodies } from "./json-body.ts";

const json = "application/json; charset=utf-8";
const graphqlResponse = "application/graphql-response+json; charset=utf-8";

/** What Apollo answers in, by the Accept header of those who ask most: programs, browsers, Apollo Client 4 and urql. */
const answerTypes = new Map<string | undefined, string>([
  [undefined, json],
  ["*/*", json],
  ["application/json", json],
  ["application/graphql-response+json,application/json;q=0.9", graphqlResponse],
  [
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
    graphqlResponse,
  ],
]);

/** What has been learned of operations, and saves them the way by Apollo. */
export interface Known {
  knownQueries: KnownQueries;
  hashRefusals: HashRefusals;
}

/**
 * The short way of an operation that has been answered before: past Apollo, which would find out the same about it again
 * and add nothing. It is for the plainest requests only; the answer is the same on both ways, to the byte.
 */
export function readBody(scope: FastifyInstance, { knownQueries, hashRefusals }: Known): void {
  const parse = scope.getDefaultJsonParser("error", "error");
  const parseJson = (
    request: FastifyRequest,
    text: string,
    done: (error: Error | null, body?: unknown) => void,
  ) => void parse(request, text, (error, body) => done(error, withoutEmptyFields(body)));
  parseJsonBodies(scope, (request, text, done) => {
    if (!isPlain(request)) return parseJson(request, text, done);
    const known = knownQueries.find(text);
    if (known) return done(null, known);
    parseJson(request, text, (error, body) => {
      const refused = hashRefusals.find(body, () => clientAddress(request));
      if (refused) return done(null, refused);
      knownQueries.note(body, text);
      done(error, body);
    });
  });
}

/** Whether nothing but its body says what a request asks for. */
function isPlain({ method, headers }: FastifyRequest): boolean {
  return (
    method === "POST" && headers["content-type"] === "application/json" && answerTypes.has(headers.accept)
  );
}

export async function answerKnown(
  operation: KnownOperation,
  context: Context,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  reply.header("content-type", answerTypes.get(headers.accept));
  const body = await operation.bodyOf?.(context);
  if (body !== undefined) return body;
  const { errors, data, extensions } = await operation.run(context);
  const retryAfter = longestRetryAfter(errors);
  if (retryAfter !== undefined) reply.header("retry-after", String(retryAfter));
  return `${JSON.stringify({ errors, data, extensions })}\n`;
}
