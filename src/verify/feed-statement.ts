import { jwtVerify } from "jose";
import type { KeySet } from "./key-set.ts";
import { algorithms } from "./key-set.ts";

/** What the gateway says about tokens that no longer count. All times are seconds since the epoch. */
export interface FeedStatement {
  /** Ids of revoked sessions, in hex. */
  sids: string[];
  /** Ids of users, in hex, whose tokens were revoked if they were issued before a time. */
  subs: Map<string, number>;
  /** Every token that was issued earlier is revoked. */
  all: number;
  /** When the last token that this revokes has expired. */
  exp: number;
}

// Padding is left out (RFC 7515, section 2), but does no harm.
const base64url = /^[\w-]*={0,2}$/;
const idBytes = 16;
const timeBytes = 4;

/** Reads what the gateway says about revoked tokens. @throws Error unless it is the gateway's, and not expired */
export async function readFeedStatement(jwt: string, keys: KeySet, issuer: string): Promise<FeedStatement> {
  const { payload } = await jwtVerify<Record<"sids" | "subs" | "all", unknown>>(jwt.trim(), keys.find, {
    algorithms,
    issuer,
    typ: "revoked-sessions+jwt",
    requiredClaims: ["iat", "exp"],
  });
  const { sids, subs = "", all = 0, exp = 0 } = payload;
  if (!Number.isSafeInteger(all)) throw new Error("`all` is no time.");
  return {
    sids: recordsOf(sids, idBytes).map((id) => id.toString("hex")),
    subs: new Map(
      recordsOf(subs, idBytes + timeBytes).map((record) => [
        record.toString("hex", 0, idBytes),
        record.readUInt32BE(idBytes),
      ]),
    ),
    all: all as number,
    exp,
  };
}

function recordsOf(text: unknown, size: number): Buffer[] {
  if (typeof text !== "string" || !base64url.test(text)) throw new Error("A list is not base64url.");
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length % size !== 0) throw new Error("A list ends within an entry.");
  return Array.from({ length: bytes.length / size }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}
