/** What a header of ours says, and nothing beside it. */
export interface TokenHeader {
  typ: unknown;
  kid: string | undefined;
}

/** Nothing of ours comes near it, and what is longer is not worth decoding. */
const longestToken = 16_384;

/**
 * The header of a token that is written as ours are, else undefined. What is signed has one spelling, so no two readers
 * find different claims in it, and `crit`, `jku`, `jwk` and the like are refused, not ignored (RFC 7515, 4.1.11 and
 * 10.12). The signature has two with ES256: (r, s) and (r, n - s) are equally valid, and signers produce either. So
 * nothing may identify a token by its whole text; see `signedPartOf`. The gateway and its verifiers read tokens alike,
 * because both do it here. The header only selects the key: nothing of it is trusted before the signature is verified.
 */
export function headerOf(token: string): TokenHeader | undefined {
  if (token.length > longestToken) return undefined;
  const [first, second, signature, ...more] = token.split(".");
  if (first === undefined || second === undefined || signature === undefined || more.length > 0)
    return undefined;
  const header = objectOf(first);
  if (header === undefined || objectOf(second) === undefined || bytesOf(signature) === undefined)
    return undefined;
  const { alg: _pinnedToTheKey, typ, kid, ...others } = header;
  if (Object.keys(others).length > 0 || !(kid === undefined || typeof kid === "string")) return undefined;
  return { typ, kid };
}

/** The part of a token that its signature covers: the same however the signature is written. */
export function signedPartOf(token: string): string {
  return token.slice(0, token.lastIndexOf("."));
}

/** JSON that says the same when written again: no member twice, no white space. */
function objectOf(part: string): Record<string, unknown> | undefined {
  const bytes = bytesOf(part);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject || !Buffer.from(JSON.stringify(value)).equals(bytes)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Decoders pass over padding, foreign characters and left-over bits: many spellings of the same bytes. */
function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? bytes : undefined;
}
