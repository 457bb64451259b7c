import { tokenOf } from "./authorization-header.ts";
import { refusalOf } from "./refusal.ts";
import { claimsOf, keepClaims } from "./request-claims.ts";
import type { Verifier } from "./verifier.ts";

interface RequestParsing {
  request: Request;
  endResponse: (response: Response) => void;
}

interface ContextBuilding {
  context: { request: Request };
  extendContext: (addition: object) => void;
}

/** A plugin for GraphQL Yoga 5: `context.claims`, or an answer without any operation run. */
export function yogaAuth(verifier: Pick<Verifier, "verify">) {
  return {
    async onRequestParse({ request, endResponse }: RequestParsing): Promise<void> {
      try {
        keepClaims(request, await verifier.verify(tokenOf(request.headers.get("authorization"))));
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
