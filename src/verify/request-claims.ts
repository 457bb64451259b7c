import type { AccessTokenClaims } from "./access-token-claims.ts";

const claimsByRequest = new WeakMap<object, AccessTokenClaims>();

export function keepClaims(request: object, claims: AccessTokenClaims): void {
  claimsByRequest.set(request, claims);
}

/** The claims of the request's token. @throws Error where the request did not pass the adapter */
export function claimsOf(request: object): AccessTokenClaims {
  const claims = claimsByRequest.get(request);
  if (claims === undefined)
    throw new Error("This request's token was not verified: is the adapter in place?");
  return claims;
}
