import type { AccessTokenClaims } from "./access-token-claims.ts";
import { OfflineVerifier } from "./offline-verifier.ts";
import type { Timings } from "./timings.ts";

export type { AccessTokenClaims } from "./access-token-claims.ts";
export { tokenOf, tokenOfRequest } from "./authorization-header.ts";
export { refusalOf } from "./refusal.ts";
export type { Refusal } from "./refusal.ts";
export type { Timings } from "./timings.ts";
export { VerificationError } from "./verification-error.ts";
export type { VerificationReason } from "./verification-error.ts";

export interface VerifierOptions {
  /** The gateway's JWT_ISSUER. */
  issuer: string;
  /**
   * The gateway's JWT_AUDIENCE for tokens that clients send, its FORWARD_AUTH_AUDIENCE for tokens that a proxy hands on,
   * or both in a list.
   */
  audience: string | string[];
  /** URL of the gateway's keys: `…/.well-known/jwks.json`. */
  jwksUri: string;
  /** URL of the gateway's `…/.well-known/revoked-sessions`; without it a sign-out shows only when the token expires. */
  revocations?: string;
  /** Seconds: refuse every token while `staleness()` is above it. Unset: go on with what is known. */
  maxStaleness?: number;
  /** Told of failures in the background: the keys or the revocations could not be had. */
  onError?: (error: unknown) => void;
  timings?: Partial<Timings>;
}

export interface Verifier<Claims extends AccessTokenClaims = AccessTokenClaims> {
  /** @throws VerificationError, and nothing else */
  verify(token: string | undefined): Promise<Claims>;
  /** Seconds since the gateway's last word on revoked sessions; Infinity before the first, and without `revocations`. */
  staleness(): number;
  /** Stops following the gateway. Every later token is refused as VERIFIER_UNAVAILABLE. */
  close(): void;
}

/** Verifies the gateway's access tokens offline. `Extra` types further claims; it is not checked. */
export function createVerifier<Extra extends object = object>(
  options: VerifierOptions,
): Verifier<AccessTokenClaims & Extra> {
  const verifier: Verifier = new OfflineVerifier(options);
  return verifier as Verifier<AccessTokenClaims & Extra>;
}
