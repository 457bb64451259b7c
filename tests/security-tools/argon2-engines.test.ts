import { describe, expect, it } from "@jest/globals";
import { loadVectorisedArgon2, portableArgon2 } from "../../src/security/argon2-engines.ts";
import { argon2Check, makeArgon2Hash, parseArgon2Hash } from "../../src/security/argon2-hash.ts";
import { deriveKey } from "../../src/security/derive-key.ts";
import type { Argon2Derivation, DeriveKey } from "../../src/security/key-derivation.ts";

const vectorisedArgon2 = await loadVectorisedArgon2();
const portable: DeriveKey = (password, derivation) => deriveKey(password, derivation, portableArgon2);
const vectorised: DeriveKey = (password, derivation) => deriveKey(password, derivation, vectorisedArgon2);
const password = "p\u00e4ssw\u00f6rd\0\u{1f600} \ud800";

describe("the two engines of argon2", () => {
  it("are two", () => {
    expect(vectorisedArgon2).not.toBe(portableArgon2);
  });

  it.each([
    ["makes", portable, vectorised],
    ["reads", vectorised, portable],
  ])("agree on PHC strings: what the portable one %s", async (_, make, read) => {
    for (const cost of [
      { memoryCost: 64, timeCost: 2, parallelism: 1 },
      { memoryCost: 256, timeCost: 1, parallelism: 4 },
    ]) {
      const hash = parseArgon2Hash(await makeArgon2Hash(password, cost, make), cost);
      if (hash === undefined) throw new Error("not read");
      const check = argon2Check(hash);
      expect(check.accepts(await read(password, check.derivation(1)))).toBe(true);
      expect(check.accepts(await read(`${password}x`, check.derivation(1)))).toBe(false);
    }
  });

  const kinds = [0, 1, 2].flatMap((type) => [0x10, 0x13].map((version) => [type, version]));
  it.each(kinds)("agree on type %d, version %d, with any length of salt and key", async (type, version) => {
    for (const [saltBytes, length, parallelism] of [
      [8, 16, 1],
      [16, 32, 2],
      [64, 64, 3],
    ] as const) {
      const salt = Buffer.alloc(saltBytes, "salt");
      const cost = { memoryCost: 128, timeCost: 2, parallelism };
      const derivation = { algorithm: "argon2", type, version, ...cost, salt, length } as Argon2Derivation;
      const key = await portableArgon2(password, derivation);
      expect(key).toHaveLength(length);
      expect(await vectorisedArgon2(password, derivation)).toEqual(key);
    }
  });

  it("fail alike at what neither can do: the vectorised one leaves what it refuses to the other", async () => {
    const salt = Buffer.alloc(8);
    const derivation: Argon2Derivation = {
      algorithm: "argon2",
      type: 2,
      version: 0x13,
      salt,
      length: 4,
      memoryCost: 2 ** 33,
      timeCost: 1,
      parallelism: 1,
    };
    for (const engine of [portableArgon2, vectorisedArgon2])
      await expect(engine(password, derivation)).rejects.toThrow("Memory cost is too large");
  });
});
