import { tokenOfRequest } from "./authorization-header.ts";
import type { RequestHeaders } from "./authorization-header.ts";
import { refusalOf } from "./refusal.ts";
import { keepClaims } from "./request-claims.ts";
import type { Verifier } from "./verifier.ts";

export { claimsOf } from "./request-claims.ts";

interface ServerAnswer {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Middleware for Express, and for whatever takes middleware of its form: lets pass who has a valid token. */
export function expressAuth(verifier: Pick<Verifier, "verify">) {
  return async (request: RequestHeaders, response: ServerAnswer, next: () => void): Promise<void> => {
    try {
      keepClaims(request, await verifier.verify(tokenOfRequest(request)));
    } catch (error) {
      const { status, headers, errors } = refusalOf(error);
      response.statusCode = status;
      response.setHeader("content-type", "application/json; charset=utf-8");
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(JSON.stringify({ errors }));
      return;
    }
    next();
  };
}
