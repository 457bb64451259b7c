import { errors, jwtVerify } from "jose";
import type { AccessTokenClaims } from "./access-token-claims.ts";
import type { KeySet } from "./key-set.ts";
import { algorithms } from "./key-set.ts";
import { VerificationError } from "./verification-error.ts";

// Nothing of the gateway's comes near it.
const longestToken = 16_384;

/** The claims of a token that is the gateway's and has not expired. @throws VerificationError */
export async function readAccessToken(
  token: string,
  keys: KeySet,
  expected: { issuer: string; audience: string },
): Promise<AccessTokenClaims> {
  if (token.length > longestToken) throw new VerificationError("TOKEN_INVALID");
  try {
    const { payload } = await jwtVerify(token, keys.find, {
      ...expected,
      algorithms,
      typ: "at+jwt",
      requiredClaims: ["exp"],
    });
    if (!isComplete(payload)) throw new Error("A claim is missing.");
    return payload;
  } catch (cause) {
    if (cause instanceof VerificationError) throw cause;
    const reason = cause instanceof errors.JWTExpired ? "TOKEN_EXPIRED" : "TOKEN_INVALID";
    throw new VerificationError(reason, { cause });
  }
}

/** `iss`, `aud` and `exp` are checked along with the signature. */
function isComplete(payload: object): payload is AccessTokenClaims {
  const { sub, sid, jti, iat } = payload as Record<string, unknown>;
  return [sub, sid, jti].every((claim) => typeof claim === "string") && typeof iat === "number";
}
