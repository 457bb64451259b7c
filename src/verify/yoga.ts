import { tokenOfRequest } from "./authorization-header.ts";
import { refusalOf } from "./refusal.ts";
import { claimsOf, keepClaims } from "./request-claims.ts";
import type { Verifier } from "./verifier.ts";

interface RequestParsing {
  request: Request;
  /** What the server passes to Yoga: Node's request, unless it is a server of another kind. */
  serverContext?: { req?: { rawHeaders?: readonly string[] } };
  endResponse: (response: Response) => void;
}

interface ContextBuilding {
  context: { request: Request };
  extendContext: (addition: object) => void;
}

/** A plugin for GraphQL Yoga 5: `context.claims`, or an answer without any operation run. */
export function yogaAuth(verifier: Pick<Verifier, "verify">) {
  return {
    async onRequestParse({ request, serverContext, endResponse }: RequestParsing): Promise<void> {
      try {
        const authorization = request.headers.get("authorization") ?? undefined;
        const rawHeaders = serverContext?.req?.rawHeaders;
        const token = tokenOfRequest({ headers: { authorization }, rawHeaders });
        keepClaims(request, await verifier.verify(token));
      } catch (error) {
        const { status, headers, errors } = refusalOf(error);
        endResponse(Response.json({ errors }, { status, headers }));
      }
    },
    onContextBuilding({ context, extendContext }: ContextBuilding): void {
      extendContext({ claims: claimsOf(context.request) });
    },
  };
}
