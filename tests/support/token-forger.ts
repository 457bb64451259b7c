import { constants, createHmac, createPrivateKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { SealedSecrets } from "../../src/security/sealed-secrets.ts";
import type { Gateway } from "./gateway.ts";

export const encoded = (text: string | Buffer) => Buffer.from(text).toString("base64url");

/** HS256 under any key, also one that no library would take. */
export const hmac = (input: string, key: string | Buffer | KeyObject, hash = "sha256") =>
  createHmac(hash, key).update(input).digest("base64url");

/** Signs any text with the gateway's own key, as who has stolen it could. */
export type TrueSigner = (input: string) => string;

/** @param alg another one than the key is for, if it is given */
export async function trueSigner(gateway: Gateway, alg?: string): Promise<TrueSigner> {
  const [row] = await gateway.sql<{ kid: string; alg: string; sealed: string }>(
    "select kid, public_jwk->>'alg' as alg, sealed_private_key as sealed from signing_keys",
  );
  if (row === undefined) return (input) => hmac(input, gateway.jwtSecret);
  const opened = new SealedSecrets([gateway.jwtSecret]).open(row.sealed, row.kid);
  if (opened === undefined) throw new Error("The signing key cannot be opened.");
  return signerOf(alg ?? row.alg, createPrivateKey({ key: opened.secret, type: "pkcs8", format: "der" }));
}

/** @param alg ES256, RS256 or PS256 (RFC 7518, 3.1), as it fits the key */
export function signerOf(alg: string, key: KeyObject): TrueSigner {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const options = { key, dsaEncoding: "ieee-p1363" as const, ...(alg === "PS256" && pss) };
  return (input) => sign("sha256", Buffer.from(input), options).toString("base64url");
}

/** A genuine token taken apart, and what forgeries of it are made with. */
export interface Original {
  token: string;
  header: { alg: string; typ: string; kid?: string };
  claims: Record<string, unknown> & { iat: number; exp: number };
  /** The three parts as they are sent. */
  parts: [header: string, claims: string, signature: string];
  signed: TrueSigner;
}

export function takeApart(token: string, signed: TrueSigner): Original {
  const parts = token.split(".") as Original["parts"];
  const [header, claims] = parts
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  return { token, header, claims, parts, signed };
}
