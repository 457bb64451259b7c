import type { AccessTokenClaims } from "./access-token-claims.ts";
import { tokenOfRequest } from "./authorization-header.ts";
import type { RequestHeaders } from "./authorization-header.ts";
import { refusalOf } from "./refusal.ts";
import type { Verifier } from "./verifier.ts";

interface ContextArgument {
  req: RequestHeaders;
}

/** A context function for Apollo Server 4 and 5: `contextValue.claims`, or an answer without any operation run. */
export function apolloContext<Claims extends AccessTokenClaims>(verifier: Pick<Verifier<Claims>, "verify">) {
  return async ({ req }: ContextArgument): Promise<{ claims: Claims }> => {
    try {
      return { claims: await verifier.verify(tokenOfRequest(req)) };
    } catch (error) {
      const { status, headers, errors } = refusalOf(error);
      const [{ message, extensions }] = errors;
      // Apollo Server takes the status and headers of its answer from here.
      const http = { status, headers: new Map(Object.entries(headers)) };
      throw Object.assign(new Error(message, { cause: error }), { extensions: { ...extensions, http } });
    }
  };
}
