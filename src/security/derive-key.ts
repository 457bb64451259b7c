import { createHash, pbkdf2, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { portableArgon2 } from "./argon2-engines.ts";
import type { Argon2Engine } from "./argon2-engines.ts";
import type { BcryptDerivation, KeyDerivation, ScryptDerivation } from "./key-derivation.ts";

const derivePbkdf2 = promisify(pbkdf2);

/** Derives in this process: in its threads, but for bcrypt, which is JavaScript and pauses every tenth of a second. */
export async function deriveKey(
  password: string,
  derivation: KeyDerivation,
  argon2: Argon2Engine = portableArgon2,
): Promise<Buffer> {
  if (derivation.algorithm === "argon2") return argon2(password, derivation);
  if (derivation.algorithm === "bcrypt") return deriveByBcrypt(password, derivation);
  if (derivation.algorithm === "scrypt") return deriveByScrypt(password, derivation);
  const { salt, iterations, length, digest } = derivation;
  return derivePbkdf2(password, salt, iterations, length, digest);
}

function deriveByScrypt(password: string, { salt, length, N, r, p }: ScryptDerivation): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  // What it takes, and some more for what Node counts beside it.
  const maxmem = 256 * (N + p + 4) * r;
  scrypt(password, salt, length, { N, r, p, maxmem }, (error, key) => {
    if (error === null) resolve(key);
    else reject(error);
  });
  return promise;
}

async function deriveByBcrypt(password: string, { salt, ofSha256 }: BcryptDerivation): Promise<Buffer> {
  const { hash } = await import("bcryptjs");
  const hashed = ofSha256 ? createHash("sha256").update(password, "utf8").digest("hex") : password;
  return Buffer.from(await hash(hashed, salt));
}
