import type { Argon2Derivation } from "./key-derivation.ts";

export type Argon2Engine = (password: string, derivation: Argon2Derivation) => Promise<Buffer>;

/** The `argon2` package, which runs everywhere and computes in libuv's threads. */
export async function portableArgon2(password: string, derivation: Argon2Derivation): Promise<Buffer> {
  const { algorithm: _, length, salt, ...settings } = derivation;
  const { hash } = await import("argon2");
  return hash(password, { ...settings, salt: Buffer.from(salt), hashLength: length, raw: true });
}

/**
 * `@node-rs/argon2`, which is vectorised and takes half the time, but computes in the thread that asks. Where its
 * native module cannot be loaded, and for what it refuses, the portable one.
 */
export async function loadVectorisedArgon2(): Promise<Argon2Engine> {
  const native = await import("@node-rs/argon2").catch(() => undefined);
  if (native === undefined) return portableArgon2;
  return async (password, derivation) => {
    const { type, version, memoryCost, timeCost, parallelism, salt, length } = derivation;
    try {
      return native.hashRawSync(password, {
        // Both of its enumerations count from 0: argon2d, argon2i, argon2id; 0x10, 0x13.
        algorithm: type,
        version: version === 0x10 ? 0 : 1,
        memoryCost,
        timeCost,
        parallelism,
        salt,
        outputLen: length,
      });
    } catch {
      return portableArgon2(password, derivation);
    }
  };
}
