import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteShorthandOptionsWithHandler,
} from "fastify";
import { Unauthenticated } from "../errors.ts";
import { keptUserAgent } from "../graphql/context.ts";
import { clientAddress } from "../http/client-address.ts";
import { answerError } from "../http/error-answer.ts";
import { runForAddress } from "../shares/current-caller.ts";
import { tokenOfHeaders, tokenOfRequest } from "../verify/authorization-header.ts";
import type { ForwardAuthService } from "./forward-auth.service.ts";
import { identityHeaders } from "./identity-headers.ts";

/**
 * `/auth/verify`, which a proxy asks before it lets a request pass: 200 with who is calling, else 401 with the reason.
 * Every method is answered, and every path below, because some proxies pass on those of the original request.
 */
export function forwardAuthRoutes(forwardAuth: ForwardAuthService): (server: FastifyInstance) => void {
  const answer = async (request: FastifyRequest, reply: FastifyReply, accessToken: string | undefined) => {
    const client = { ip: clientAddress(request), userAgent: keptUserAgent(request.headers["user-agent"]) };
    const caller = await forwardAuth.verify(accessToken, client);
    const token =
      accessToken !== undefined && asksForToken(request)
        ? forwardAuth.shortToken(accessToken, caller)
        : undefined;
    reply.code(200).headers(identityHeaders(caller));
    if (token !== undefined) reply.header("authorization", `Bearer ${token}`);
    return reply.send(forwardAuth.sessionVariables(caller));
  };

  const options: RouteShorthandOptionsWithHandler = {
    // Else a preflight would be answered with 204, and so let any OPTIONS request pass.
    config: { cors: false },
    async onRequest(request, reply) {
      // Whatever goes wrong from here on: a proxy takes nothing but 200 for a yes, and only `answer` says that.
      reply.code(500).header("cache-control", "no-store");
      // Before the body is read: it is the original request's, and none of our business.
      if (!hasHeadersInBody(request))
        await runForAddress(
          () => clientAddress(request),
          () => answer(request, reply, tokenOfRequest(request.raw)),
        );
    },
    handler: (request, reply) => answer(request, reply, tokenOfHeaders(authorizationInBody(request.body))),
    errorHandler: (error, request, reply) => void refuse(error, request, reply),
  };
  return (server) => {
    for (const path of ["/auth/verify", "/auth/verify/*"]) server.all(path, options);
  };
}

/** Asked in the query, which every proxy lets its configuration set; beside it there may be the original query. */
function asksForToken(request: FastifyRequest): boolean {
  return [(request.query as { token?: unknown }).token].flat().includes("true");
}

/** Hasura's webhook by POST: it has no Authorization header, its JSON body has the client's headers. */
function hasHeadersInBody({ method, headers }: FastifyRequest): boolean {
  if (method !== "POST" || headers.authorization !== undefined) return false;
  const isEmpty = headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0;
  return !isEmpty && /^application\/json\b/i.test(headers["content-type"] ?? "");
}

function authorizationInBody(body: unknown): string[] {
  const { headers } = (body ?? {}) as { headers?: unknown };
  if (typeof headers !== "object" || headers === null) return [];
  return (
    Object.entries(headers)
      .filter(([name]) => name.toLowerCase() === "authorization")
      // Whatever else is no token, but counts as a header.
      .map(([, value]) => (typeof value === "string" ? value : ""))
  );
}

function refuse(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!(error instanceof Unauthenticated)) return answerError(error, request, reply);
  const { message, code, details } = error;
  reply.code(401).header("www-authenticate", challenge(error));
  return reply.send({ errors: [{ message, extensions: { code, ...details } }] });
}

/** RFC 6750, 3.1: who sent no token is not told of an error. */
function challenge({ message, details }: Unauthenticated): string {
  const realm = 'Bearer realm="gatehouse"';
  if (details.reason === "TOKEN_MISSING") return realm;
  return `${realm}, error="invalid_token", error_description="${message}"`;
}
