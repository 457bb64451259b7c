import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceUnavailable } from "../../src/errors.ts";
import { argon2Check, decoyArgon2Hash } from "../../src/security/argon2-hash.ts";
import { deriveKey } from "../../src/security/derive-key.ts";
import { HashProcesses } from "../../src/security/hash-processes.ts";
import { hashChildrenOf } from "../support/hash-children.ts";
import { until } from "../support/until.ts";

let processes: HashProcesses;
let warnings: number;
const logger = {
  warn: () => void warnings++,
};
beforeEach(() => void (warnings = 0));
afterEach(() => processes.close());

const child = (name: string) => new URL(`../support/${name}-hash-child.js`, import.meta.url);
const freshDerivation = () =>
  argon2Check(decoyArgon2Hash({ memoryCost: 2048, timeCost: 1, parallelism: 1 })).derivation(1);
describe("keys that are derived in processes", () => {
  it("are each the answer to its own question, also where a process dies", async () => {
    processes = new HashProcesses(logger);
    const asked = Array.from({ length: 12 }, (_, index) => [`password ${index}`, freshDerivation()] as const);
    const answered = asked.map(([password, derivation]) => processes.derive(password, derivation));
    await until(() => hashChildrenOf().length > 1);
    process.kill(hashChildrenOf()[0] as number, "SIGKILL");
    const right = await Promise.all(asked.map(([password, derivation]) => deriveKey(password, derivation)));
    expect(await Promise.all(answered)).toEqual(right);
  });

  it("are waited for so long and no longer, and what is silent is ended", async () => {
    processes = new HashProcesses(logger, child("silent"), 200);
    // Where a start takes longer than that, the key is derived in this process.
    await Promise.allSettled([processes.derive("a", freshDerivation())]);
    await until(() => hashChildrenOf().length === 0);
  });

  it("are refused at the end, in the midst of it", async () => {
    processes = new HashProcesses(logger, child("silent"));
    const asked = processes.derive("a", freshDerivation());
    await until(() => hashChildrenOf().length === 1);
    processes.close();
    await expect(asked).rejects.toBeInstanceOf(ServiceUnavailable);
    expect(warnings).toBe(0);
    await until(() => hashChildrenOf().length === 0);
  });
});
