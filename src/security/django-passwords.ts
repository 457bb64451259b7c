import { timingSafeEqual } from "node:crypto";

import { indivisibleCheck } from "./password-check.ts";
import type { PasswordCheck } from "./password-check.ts";

const maxIterations = 2_000_000;
const scryptKeyBytes = 64;
// OWASP's strongest parameters for scrypt (N = 2^17, r = 8, p = 1) take 128 MiB and a fair part of a second.
const maxScryptMemory = 128 * 1024 * 1024;
const maxScryptWork = 2 ** 21;
const maxBcryptCost = 16;
const bcryptSaltEnd = "$2b$12$".length + 22;

const pbkdf2Hash = /^pbkdf2_(sha256|sha1)\$([1-9]\d{0,6})\$([^$]+)\$([A-Za-z0-9+/]+=*)$/;
const scryptHash = /^scrypt\$([1-9]\d{0,6})\$([^$]+)\$([1-9]\d{0,3})\$([1-9]\d{0,3})\$([A-Za-z0-9+/]{86}==)$/;
const bcryptHash = /^(bcrypt|bcrypt_sha256)\$(\$2[aby]\$(\d\d)\$[A-Za-z0-9./]{53})$/;

/**
 * The check for a password that Django stored by PBKDF2, scrypt or bcrypt (`django.contrib.auth.hashers`, 3.2 to 5.2);
 * undefined if the text is none of these, is malformed, or asks for more work than a sign-in may cost.
 */
export function djangoPasswordCheck(stored: string): PasswordCheck | undefined {
  return pbkdf2Check(stored) ?? scryptCheck(stored) ?? bcryptCheck(stored);
}

function pbkdf2Check(stored: string): PasswordCheck | undefined {
  const [, algorithm, iterationDigits, salt, digest] = pbkdf2Hash.exec(stored) ?? [];
  if (algorithm === undefined || salt === undefined || digest === undefined) return undefined;
  const iterations = Number(iterationDigits);
  const keyBytes = algorithm === "sha256" ? 32 : 20;
  if (iterations > maxIterations || digest.length !== base64Length(keyBytes)) return undefined;
  return {
    kind: `pbkdf2_${algorithm}`,
    work: iterations,
    derivation: (work) => ({
      algorithm: "pbkdf2",
      digest: algorithm === "sha256" ? "sha256" : "sha1",
      salt,
      iterations: work,
      length: keyBytes,
    }),
    accepts: (key) => isSameText(key.toString("base64"), digest),
  };
}

function scryptCheck(stored: string): PasswordCheck | undefined {
  const [, factorDigits, salt, blockDigits, parallelDigits, digest] = scryptHash.exec(stored) ?? [];
  if (salt === undefined || digest === undefined) return undefined;
  const cost = { N: Number(factorDigits), r: Number(blockDigits), p: Number(parallelDigits) };
  if (!isValidScryptCost(cost.N, cost.r) || !isAffordableScryptCost(cost.N, cost.r, cost.p)) return undefined;
  return indivisibleCheck(
    `scrypt ${cost.N} ${cost.r} ${cost.p}`,
    { algorithm: "scrypt", salt, ...cost, length: scryptKeyBytes },
    (key) => isSameText(key.toString("base64"), digest),
  );
}

function bcryptCheck(stored: string): PasswordCheck | undefined {
  const [, algorithm, hash, costDigits] = bcryptHash.exec(stored) ?? [];
  const cost = Number(costDigits);
  if (hash === undefined || cost < 4 || cost > maxBcryptCost) return undefined;
  return indivisibleCheck(
    `bcrypt ${cost}`,
    {
      algorithm: "bcrypt",
      salt: hash.slice(0, bcryptSaltEnd),
      cost,
      ofSha256: algorithm === "bcrypt_sha256",
    },
    (key) => isSameText(key.toString(), hash),
  );
}

/** RFC 7914, section 2: a power of two above 1 and below 2^(128 r / 8). */
function isValidScryptCost(N: number, r: number): boolean {
  const exponent = Math.log2(N);
  return Number.isInteger(exponent) && exponent >= 1 && exponent < 16 * r;
}

function isAffordableScryptCost(N: number, r: number, p: number): boolean {
  return 128 * N * r <= maxScryptMemory && N * r * p <= maxScryptWork;
}

function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}
