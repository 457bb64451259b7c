import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { getPriority } from "node:os";
import { ServiceUnavailable } from "../../src/errors.ts";
import { deriveKey } from "../../src/security/derive-key.ts";
import { HashProcesses } from "../../src/security/hash-processes.ts";
import type { KeyDerivation } from "../../src/security/key-derivation.ts";
import { hashChildrenOf, shownOf } from "../support/hash-children.ts";
import { residentMemory } from "../support/resident-memory.ts";
import { until } from "../support/until.ts";

const password = "correct horse marked-battery";
const salt = Buffer.alloc(16, "marked-salt");
const argon2 = { algorithm: "argon2", type: 2, version: 0x13, parallelism: 1, salt, length: 32 } as const;
const dear: KeyDerivation = { ...argon2, memoryCost: 19_456, timeCost: 2 };
const endless: KeyDerivation = { ...argon2, memoryCost: 131_072, timeCost: 10_000 };
const cheap: KeyDerivation = { ...argon2, memoryCost: 8, timeCost: 1 };

const warn = jest.fn();
const made: HashProcesses[] = [];
function newProcesses(module?: URL): HashProcesses {
  const processes = new HashProcesses({ warn } as never, module);
  made.push(processes);
  return processes;
}

afterEach(async () => {
  for (const processes of made.splice(0)) processes.close();
  await until(() => hashChildrenOf().length === 0);
  warn.mockClear();
});

/** Has a process that waited for work begin with some. */
async function atWork(
  processes: HashProcesses,
  derivation = dear,
): Promise<{ pid: number; key: Promise<Buffer> }> {
  await processes.derive(password, dear);
  const [pid = 0] = hashChildrenOf();
  const key = processes.derive(password, derivation);
  key.catch(() => {});
  return { pid, key };
}

describe("keys of passwords", () => {
  it.each([
    ["argon2", dear],
    ["PBKDF2", { algorithm: "pbkdf2", digest: "sha256", salt: "salt", iterations: 20_000, length: 32 }],
    ["scrypt", { algorithm: "scrypt", salt: "salt", N: 4096, r: 8, p: 1, length: 64 }],
    ["bcrypt", { algorithm: "bcrypt", salt: "$2b$05$abcdefghijklmnopqrstuu", cost: 5, ofSha256: true }],
  ] as [string, KeyDerivation][])("are the same from another process: %s", async (_, derivation) => {
    const odd = "p\u00e4ss\0w\u00f6rd \u{1f600} \ud800";
    const processes = newProcesses();
    expect(await processes.derive(odd, derivation)).toEqual(await deriveKey(odd, derivation));
    expect(hashChildrenOf()).toHaveLength(1);
  });

  it("that cost next to nothing start no process", async () => {
    expect(await newProcesses().derive(password, cheap)).toEqual(await deriveKey(password, cheap));
    expect(hashChildrenOf()).toEqual([]);
  });

  it("are made in as many processes as were needed at once, one key each, at low priority", async () => {
    const processes = newProcesses();
    for (let count = 0; count < 3; count++) await processes.derive(password, dear);
    expect(hashChildrenOf()).toHaveLength(1);
    await Promise.all([1, 2].map(() => processes.derive(password, dear)));
    await Promise.all([1, 2].map(() => processes.derive(password, dear)));
    expect(hashChildrenOf()).toHaveLength(2);
    for (const pid of hashChildrenOf()) expect(getPriority(pid)).toBe(10);
  });

  it("are made of what stands in no argument and no environment", async () => {
    process.env["MARKED_SECRET"] = "marked-secret";
    try {
      const { pid, key } = await atWork(newProcesses());
      expect(shownOf(pid)).toMatch(/hash-child/);
      expect(shownOf(pid)).not.toMatch(/marked/i);
      await key;
    } finally {
      delete process.env["MARKED_SECRET"];
    }
  });
});

describe("a process that ends", () => {
  it("in the midst of a hash is replaced, and the hash made by the next", async () => {
    const { pid, key } = await atWork(newProcesses());
    process.kill(pid, "SIGKILL");
    expect(await key).toEqual(await deriveKey(password, dear));
    expect(hashChildrenOf()).toHaveLength(1);
    expect(hashChildrenOf()).not.toContain(pid);
    expect(warn).not.toHaveBeenCalled();
  });

  it("twice over the same hash leaves it undone, and says nothing of it", async () => {
    const processes = newProcesses();
    const { pid, key } = await atWork(processes, endless);
    const outcome = key.catch((error: unknown) => error);
    process.kill(pid, "SIGKILL");
    // One that has taken its memory has long begun.
    const next = () => hashChildrenOf().find((each) => each !== pid && residentMemory(each) > 100 * 2 ** 20);
    await until(() => next() !== undefined);
    process.kill(next() ?? 0, "SIGKILL");
    const error = await outcome;
    expect(error).toBeInstanceOf(ServiceUnavailable);
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toMatch(/marked/);
    expect(await processes.derive(password, dear)).toEqual(await deriveKey(password, dear));
  });

  it("while it waits for work is not missed", async () => {
    const processes = newProcesses();
    await processes.derive(password, dear);
    const [pid = 0] = hashChildrenOf();
    process.kill(pid, "SIGKILL");
    await until(() => hashChildrenOf().length === 0);
    expect(await processes.derive(password, dear)).toHaveLength(32);
  });

  it("is not one that was asked to stop by whoever signals the gateway and all it has started", async () => {
    const { pid, key } = await atWork(newProcesses());
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);
    await key;
    expect(hashChildrenOf()).toEqual([pid]);
  });

  it("at the close leaves what it was at undone", async () => {
    const processes = newProcesses();
    const { key } = await atWork(processes, endless);
    processes.close();
    await expect(key).rejects.toBeInstanceOf(ServiceUnavailable);
    await expect(processes.derive(password, dear)).rejects.toBeInstanceOf(ServiceUnavailable);
    await until(() => hashChildrenOf().length === 0);
  });
});

describe("where no process can be started", () => {
  it.each([
    ["its module is not there", new URL("no-such-module.js", import.meta.url)],
    ["it ends at once", new URL("data:text/javascript,process.exit(1)")],
  ])("as %s, this one hashes, and warns once", async (_, module) => {
    const processes = newProcesses(module);
    const expected = await deriveKey(password, dear);
    for (let count = 0; count < 3; count++) expect(await processes.derive(password, dear)).toEqual(expected);
    expect(await Promise.all([1, 2].map(() => processes.derive(password, dear)))).toEqual([
      expected,
      expected,
    ]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(warn.mock.calls)).not.toMatch(/marked/);
  });
});
