import { tokenOfRequest } from "./authorization-header.ts";
import type { RequestHeaders } from "./authorization-header.ts";
import { refusalOf } from "./refusal.ts";
import { keepClaims } from "./request-claims.ts";
import type { Verifier } from "./verifier.ts";

export { claimsOf } from "./request-claims.ts";

interface ServerRequest {
  headers: RequestHeaders["headers"];
  raw: Pick<RequestHeaders, "rawHeaders">;
}

interface ServerReply {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(payload: object): unknown;
}

/** An onRequest hook for Fastify: lets pass who has a valid token. */
export function fastifyAuth(verifier: Pick<Verifier, "verify">) {
  return async (request: ServerRequest, reply: ServerReply): Promise<unknown> => {
    try {
      keepClaims(
        request,
        await verifier.verify(
          tokenOfRequest({ headers: request.headers, rawHeaders: request.raw.rawHeaders }),
        ),
      );
      return undefined;
    } catch (error) {
      const { status, headers, errors } = refusalOf(error);
      reply.code(status);
      reply.headers(headers);
      return reply.send({ errors });
    }
  };
}
