/** Of a PHC string of argon2: memory in KiB, passes over it, threads, and bytes of the key. */
export interface Argon2Derivation {
  algorithm: "argon2";
  /** 0 is argon2d, 1 argon2i and 2 argon2id, as RFC 9106, section 3.1, has it. */
  type: 0 | 1 | 2;
  version: number;
  memoryCost: number;
  timeCost: number;
  parallelism: number;
  salt: Uint8Array;
  length: number;
}

export interface Pbkdf2Derivation {
  algorithm: "pbkdf2";
  digest: "sha256" | "sha1";
  salt: string;
  iterations: number;
  length: number;
}

export interface ScryptDerivation {
  algorithm: "scrypt";
  salt: string;
  N: number;
  r: number;
  p: number;
  length: number;
}

/** The key is the text that bcrypt stores. */
export interface BcryptDerivation {
  algorithm: "bcrypt";
  /** With version and cost before it: `$2b$12$` and 22 letters. */
  salt: string;
  cost: number;
  /** Whether not the password is hashed but its SHA-256 in hex. */
  ofSha256: boolean;
}

/** How a key is made of a password: plain data, which another process can be sent. */
export type KeyDerivation = Argon2Derivation | Pbkdf2Derivation | ScryptDerivation | BcryptDerivation;

export type DeriveKey = (password: string, derivation: KeyDerivation) => Promise<Buffer>;

/** Whether it takes no more than a millisecond or two, against which the way to another process counts. */
export function isCheap(derivation: KeyDerivation): boolean {
  if (derivation.algorithm === "argon2") return derivation.memoryCost * derivation.timeCost <= 1024;
  if (derivation.algorithm === "bcrypt") return derivation.cost <= 4;
  if (derivation.algorithm === "scrypt") return derivation.N * derivation.r * derivation.p <= 2048;
  return derivation.iterations <= 3000;
}
