import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { ServiceUnavailable } from "../../src/errors.ts";
import { argon2Check, decoyArgon2Hash } from "../../src/security/argon2-hash.ts";
import { deriveKey } from "../../src/security/derive-key.ts";
import { HashProcesses } from "../../src/security/hash-processes.ts";
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
/** Of those that this process has started. */
const children = () =>
  execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes("hash-child"))
    .map((line) => Number.parseInt(line, 10));

describe("keys that are derived in processes", () => {
  it("are each the answer to its own question, also where a process dies", async () => {
    processes = new HashProcesses(logger);
    const asked = Array.from({ length: 12 }, (_, index) => [`password ${index}`, freshDerivation()] as const);
    const answered = asked.map(([password, derivation]) => processes.derive(password, derivation));
    await until(() => children().length > 1);
    process.kill(children()[0] as number, "SIGKILL");
    const right = await Promise.all(asked.map(([password, derivation]) => deriveKey(password, derivation)));
    expect(await Promise.all(answered)).toEqual(right);
  });

  it("are refused where two have ended over one, and no process is left", async () => {
    processes = new HashProcesses(logger, child("dying"));
    await expect(processes.derive("a", freshDerivation())).rejects.toBeInstanceOf(ServiceUnavailable);
    await until(() => children().length === 0);
  });

  it("are waited for so long and no longer, and what is silent is ended", async () => {
    processes = new HashProcesses(logger, child("silent"), 200);
    // Where a start takes longer than that, the key is derived in this process.
    await Promise.allSettled([processes.derive("a", freshDerivation())]);
    await until(() => children().length === 0);
  });

  it("are refused at the end, in the midst of it", async () => {
    processes = new HashProcesses(logger, child("silent"));
    const asked = processes.derive("a", freshDerivation());
    await until(() => children().length === 1);
    processes.close();
    await expect(asked).rejects.toBeInstanceOf(ServiceUnavailable);
    expect(warnings).toBe(0);
    await until(() => children().length === 0);
  });

  it("are derived in this one where none can be started, which is said once", async () => {
    processes = new HashProcesses(logger, child("missing"));
    const derivation = freshDerivation();
    for (let index = 0; index < 2; index++)
      expect(await processes.derive("a", derivation)).toEqual(await deriveKey("a", derivation));
    expect(warnings).toBe(1);
  });
});
