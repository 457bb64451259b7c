import { calculateJwkThumbprint } from "jose";
import { createPrivateKey, createPublicKey, generateKeyPair } from "node:crypto";
import type { JsonWebKey, KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { AsymmetricAlgorithm } from "./token-keys.ts";

/** A public key as it is published (RFC 7517), with the one algorithm that it is for. */
export interface PublicJwk extends JsonWebKey {
  kid: string;
  alg: AsymmetricAlgorithm;
  use: "sig";
}

const generate = promisify(generateKeyPair);

/** NIST SP 800-57: 3072 bits are as strong as AES-128. */
const rsaBits = 3072;

/** Makes a key pair; its `kid` is the thumbprint of the public part (RFC 7638). @returns the private part as PKCS #8 */
export async function makeKeyPair(
  algorithm: AsymmetricAlgorithm,
): Promise<{ publicJwk: PublicJwk; privateKey: Buffer }> {
  const { publicKey, privateKey } =
    algorithm === "ES256"
      ? await generate("ec", { namedCurve: "P-256" })
      : await generate("rsa", { modulusLength: rsaBits });
  const jwk = publicKey.export({ format: "jwk" });
  const kid = await calculateJwkThumbprint(jwk);
  // A command line would take it for an option.
  if (kid.startsWith("-")) return makeKeyPair(algorithm);
  return {
    publicJwk: { ...jwk, kid, alg: algorithm, use: "sig" },
    privateKey: privateKey.export({ type: "pkcs8", format: "der" }),
  };
}

export function readPublicKey(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: jwk, format: "jwk" });
}

export function readPrivateKey(pkcs8: Buffer): KeyObject {
  return createPrivateKey({ key: pkcs8, type: "pkcs8", format: "der" });
}
