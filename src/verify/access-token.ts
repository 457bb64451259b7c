import { errors, jwtVerify } from "jose";
import type { AccessTokenClaims } from "./access-token-claims.ts";
import type { KeySet } from "./key-set.ts";
import { algorithms } from "./key-set.ts";
import { headerOf } from "./token-form.ts";
import { VerificationError } from "./verification-error.ts";

/** The last moment that a Date can hold, in seconds. */
const endOfTime = 8_640_000_000_000;

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The claims of a token that is the gateway's and has not expired. @throws VerificationError */
export async function readAccessToken(
  token: string,
  keys: KeySet,
  expected: { issuer: string; audience: string | string[] },
): Promise<AccessTokenClaims> {
  if (headerOf(token)?.typ !== "at+jwt") throw new VerificationError("TOKEN_INVALID");
  try {
    const { payload } = await jwtVerify(token, keys.find, {
      ...expected,
      algorithms,
      requiredClaims: ["exp"],
    });
    if (!isOurs(payload)) throw new Error("A claim is missing, or is none of the gateway's.");
    return payload;
  } catch (cause) {
    if (cause instanceof VerificationError) throw cause;
    const reason = cause instanceof errors.JWTExpired ? "TOKEN_EXPIRED" : "TOKEN_INVALID";
    throw new VerificationError(reason, { cause });
  }
}

/** `iss`, `aud` and `exp` are checked along with the signature. */
function isOurs(payload: object): payload is AccessTokenClaims {
  const { sub, sid, jti, iat, exp } = payload as Record<string, unknown>;
  const [issued, expires] = [iat, exp].map((claim) => (isSecond(claim) ? claim : NaN)) as [number, number];
  return issued <= expires && typeof jti === "string" && [sub, sid].every(isUuid);
}

function isUuid(claim: unknown): boolean {
  return typeof claim === "string" && uuid.test(claim);
}

function isSecond(claim: unknown): claim is number {
  return Number.isSafeInteger(claim) && (claim as number) >= 0 && (claim as number) <= endOfTime;
}
