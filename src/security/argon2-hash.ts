import { randomBytes, timingSafeEqual } from "node:crypto";

import type { Argon2Derivation, DeriveKey } from "./key-derivation.ts";
import { indivisibleCheck } from "./password-check.ts";
import type { PasswordCheck } from "./password-check.ts";

/** Memory in KiB, passes over it, and threads. */
export interface Argon2Cost {
  memoryCost: number;
  timeCost: number;
  parallelism: number;
}

/** What a PHC string says. */
export interface Argon2Hash extends Argon2Cost {
  type: Argon2Derivation["type"];
  version: number;
  salt: Buffer;
  digest: Buffer;
}

const types = { argon2d: 0, argon2i: 1, argon2id: 2 } as const;
const olderVersion = 0x10;
const presentVersion = 0x13;
const saltBytes = 16;
const digestBytes = 32;
// 256 MiB, and one pass over 1 GiB, which takes about a second: more than Django or any guideline for logins asks.
const maxMemory = 256 * 1024;
const maxWork = 1024 * 1024;
const maxParallelism = 16;

// Three of m, t and p in any order, a salt of 8 to 64 bytes and a digest of 16 to 64.
const phcString =
  /^\$(argon2d|argon2i|argon2id)(?:\$v=(16|19))?\$([mtp]=\d{1,10}(?:,[mtp]=\d{1,10}){2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Reads a PHC string; undefined if it is malformed or asks for more than a sign-in may cost (see isAffordable). */
export function parseArgon2Hash(text: string, present: Argon2Cost): Argon2Hash | undefined {
  const [, type, version, cost, salt, digest] = phcString.exec(text) ?? [];
  if (type === undefined || cost === undefined || salt === undefined || digest === undefined)
    return undefined;
  const parsed: Argon2Hash = {
    type: types[type as keyof typeof types],
    version: Number(version ?? olderVersion),
    ...parseCost(cost),
    salt: Buffer.from(salt, "base64"),
    digest: Buffer.from(digest, "base64"),
  };
  return isPossible(parsed) && isAffordable(parsed, present) ? parsed : undefined;
}

/** A hash of nobody's password: checking it costs what checking a real one costs, and always fails. */
export function decoyArgon2Hash(cost: Argon2Cost): Argon2Hash {
  return { ...freshSettings(cost), digest: randomBytes(digestBytes) };
}

/** Hashes with argon2id (RFC 9106) into a PHC string. */
export async function makeArgon2Hash(password: string, cost: Argon2Cost, derive: DeriveKey): Promise<string> {
  const settings = freshSettings(cost);
  const digest = await derive(password, derivationOf(settings, digestBytes));
  // m, t, p, in this order: Django reads no other.
  return `${argon2HashStart(cost)}${unpaddedBase64(settings.salt)}$${unpaddedBase64(digest)}`;
}

/** What a hash that is made today begins with. */
export function argon2HashStart({ memoryCost, timeCost, parallelism }: Argon2Cost): string {
  return `$argon2id$v=${presentVersion}$m=${memoryCost},t=${timeCost},p=${parallelism}$`;
}

/** The check of a password that costs what the stored hash was made with. */
export function argon2Check(stored: Argon2Hash): PasswordCheck {
  const { type, version, memoryCost, timeCost, parallelism, digest } = stored;
  return indivisibleCheck(
    `argon2 ${[type, version, memoryCost, timeCost, parallelism].join(" ")}`,
    derivationOf(stored, digest.length),
    (key) => timingSafeEqual(key, digest),
  );
}

/** Whether makeArgon2Hash would make such a hash today. */
export function isPresentArgon2Hash(stored: Argon2Hash, present: Argon2Cost): boolean {
  return (
    stored.type === types.argon2id &&
    stored.version === presentVersion &&
    stored.digest.length === digestBytes &&
    stored.memoryCost === present.memoryCost &&
    stored.timeCost === present.timeCost &&
    stored.parallelism === present.parallelism
  );
}

/** A stored hash may cost what is usual anywhere, or what this service itself is set to. */
function isAffordable(stored: Argon2Cost, present: Argon2Cost): boolean {
  return (
    stored.memoryCost <= Math.max(maxMemory, present.memoryCost) &&
    stored.memoryCost * stored.timeCost <= Math.max(maxWork, present.memoryCost * present.timeCost) &&
    stored.parallelism <= Math.max(maxParallelism, present.parallelism)
  );
}

/** RFC 9106, section 3.1; false also where m, t or p is missing (NaN). */
function isPossible({ memoryCost, timeCost, parallelism }: Argon2Cost): boolean {
  return timeCost >= 1 && parallelism >= 1 && memoryCost >= 8 * parallelism;
}

function parseCost(text: string): Argon2Cost {
  const values = text.split(",").map((each) => [each.charAt(0), Number(each.slice(2))] as const);
  const { m = NaN, t = NaN, p = NaN }: Record<string, number> = Object.fromEntries(values);
  return { memoryCost: m, timeCost: t, parallelism: p };
}

function freshSettings({ memoryCost, timeCost, parallelism }: Argon2Cost): Omit<Argon2Hash, "digest"> {
  const salt = randomBytes(saltBytes);
  return { type: types.argon2id, version: presentVersion, memoryCost, timeCost, parallelism, salt };
}

function derivationOf(settings: Omit<Argon2Hash, "digest">, length: number): Argon2Derivation {
  const { type, version, memoryCost, timeCost, parallelism, salt } = settings;
  return { algorithm: "argon2", type, version, memoryCost, timeCost, parallelism, salt, length };
}

function unpaddedBase64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/={1,2}$/, "");
}
