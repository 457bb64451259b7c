import { VerificationError } from "./verification-error.ts";

/** An HTTP answer, its body in the shape of the gateway's own. */
export interface Refusal {
  status: 401 | 503;
  headers: Record<string, string>;
  errors: [{ message: string; extensions: { code: string; reason: string } }];
}

const retryAfterSeconds = 5;

/** 401 with a challenge (RFC 6750, section 3), or 503 where the token could not be judged. Rethrows any other error. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof VerificationError)) throw error;
  const { message, reason } = error;
  const unavailable = reason === "VERIFIER_UNAVAILABLE";
  const code = unavailable ? "SERVICE_UNAVAILABLE" : "UNAUTHENTICATED";
  return {
    status: unavailable ? 503 : 401,
    headers: unavailable
      ? { "retry-after": String(retryAfterSeconds) }
      : { "www-authenticate": challengeFor(error) },
    errors: [{ message, extensions: { code, reason } }],
  };
}

function challengeFor({ reason, message }: VerificationError): string {
  const realm = 'Bearer realm="gatehouse"';
  // Who sent no credentials is not told of an error.
  if (reason === "TOKEN_MISSING") return realm;
  return `${realm}, error="invalid_token", error_description="${message}"`;
}
