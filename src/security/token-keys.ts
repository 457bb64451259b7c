import { createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** What tokens are signed with: asymmetric ones (RFC 7518, 3.1), and HS256 for who shares one secret. */
export type AsymmetricAlgorithm = "ES256" | "RS256" | "PS256";
export type Algorithm = AsymmetricAlgorithm | "HS256";

/** A key with the one algorithm that it may be used with (RFC 8725, 3.1). */
export interface TokenKey {
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
}

/** Where the tokens' keys come from. It answers from memory: a made-up `kid` must not cost a query. */
export interface TokenKeys {
  /** The key that signs now. A shared secret has no `kid`. */
  signing(): TokenKey & { readonly kid: string | undefined };
  /** The key of that `kid`, as far as it still counts. */
  verifying(kid: string | undefined): TokenKey | undefined;
}

/** One secret, for HS256. @param secret 32 bytes or more */
export function sharedSecret(secret: string): TokenKeys {
  const only = { algorithm: "HS256", key: createSecretKey(secret, "utf8"), kid: undefined } as const;
  return { signing: () => only, verifying: (kid) => (kid === undefined ? only : undefined) };
}
