import { randomUUID } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import type { CryptoKey, JWK } from "jose";

export interface SigningKey {
  alg: string;
  kid: string;
  privateKey: CryptoKey;
  publicJwk: JWK;
}

export const issuer = "https://accounts.example.com";
export const audience = "shop";

export async function makeKey(alg: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { modulusLength: 2048, extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { alg, kid, privateKey, publicJwk: { ...jwk, kid, alg, use: "sig" } };
}

/** An access token as the gateway makes it, but for what is given; `undefined` leaves a claim out. */
export async function sign(
  key: SigningKey,
  claims: Record<string, unknown> = {},
  header: { typ?: string | undefined; alg?: string; kid?: string | undefined } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: issuer, aud: audience, sub: randomUUID(), sid: randomUUID(), jti: "1" };
  const payload = { ...usual, iat: now, exp: now + 900, ...claims };
  const { alg, kid } = key;
  return new SignJWT(withoutUndefined(payload))
    .setProtectedHeader({ alg, ...withoutUndefined({ kid, typ: "at+jwt", ...header }) })
    .sign(key.privateKey);
}

function withoutUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
