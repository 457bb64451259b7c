import { jwtVerify } from "jose";
import type { KeySet } from "./key-set.ts";
import { algorithms } from "./key-set.ts";

/** Ids of revoked sessions, and when the last access token of any of them has expired (seconds since the epoch). */
export interface FeedStatement {
  sids: string[];
  exp: number;
}

// Padding is left out (RFC 7515, section 2), but does no harm.
const base64url = /^[\w-]*={0,2}$/;
const idBytes = 16;

/** Reads what the gateway says about revoked sessions. @throws Error unless it is the gateway's, and not expired */
export async function readFeedStatement(jwt: string, keys: KeySet, issuer: string): Promise<FeedStatement> {
  const { payload } = await jwtVerify<{ sids: unknown }>(jwt.trim(), keys.find, {
    algorithms,
    issuer,
    typ: "revoked-sessions+jwt",
    requiredClaims: ["iat", "exp"],
  });
  return { sids: idsOf(payload.sids), exp: payload.exp ?? 0 };
}

function idsOf(text: unknown): string[] {
  if (typeof text !== "string" || !base64url.test(text)) throw new Error("`sids` is not base64url.");
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length % idBytes !== 0) throw new Error("`sids` ends within an id.");
  return Array.from({ length: bytes.length / idBytes }, (_, index) =>
    bytes.toString("hex", index * idBytes, (index + 1) * idBytes),
  );
}
