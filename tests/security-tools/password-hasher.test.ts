import { argon2i, hash as hashWithLibrary } from "argon2";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

import { parseArgon2Hash } from "../../src/security/argon2-hash.ts";
import { deriveKey } from "../../src/security/derive-key.ts";
import { PasswordHasher } from "../../src/security/password-hasher.ts";
import { ServiceUnavailable } from "../../src/errors.ts";
import { HashWork } from "./hash-work.ts";

const cost = { memoryCost: 64, timeCost: 2, parallelism: 1 };
const wrong = { valid: false, needsRehash: false };
const right = { valid: true, needsRehash: false };
const rightButStale = { valid: true, needsRehash: true };

function makeHasher(options: Partial<ConstructorParameters<typeof PasswordHasher>[0]> = {}): PasswordHasher {
  return new PasswordHasher({ ...cost, concurrency: 2, queueLimit: 100, ...options }, deriveKey);
}

let work: HashWork;

beforeEach(() => {
  work = new HashWork("argon2:HashWorker");
});

afterEach(() => {
  work.stop();
});

describe("hash and verify", () => {
  it("make a PHC string, with a new salt each time, that only its password fits", async () => {
    const hasher = makeHasher();
    const [stored, other] = await Promise.all([hasher.hash("password123"), hasher.hash("password123")]);
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=64,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(other).not.toBe(stored);
    expect(await hasher.verify(stored, "password123")).toEqual(right);
    expect(await hasher.verify(stored, "password124")).toEqual(wrong);
    expect(await hasher.verify(stored, "")).toEqual(wrong);
  });

  it.each([
    ["white space", " password ", "password"],
    ["Unicode form", "caf\u00e9-caf\u00e9", "cafe\u0301-cafe\u0301"],
    ["case", "Password", "password"],
    ["everything after 72 bytes", `${"\u{1f600}".repeat(127)}a`, `${"\u{1f600}".repeat(127)}b`],
    ["everything after a NUL", "password\0a", "password\0b"],
  ])("heed %s", async (_, password, other) => {
    const hasher = makeHasher();
    const stored = await hasher.hash(password);
    expect(await hasher.verify(stored, password)).toEqual(right);
    expect(await hasher.verify(stored, other)).toEqual(wrong);
  });

  it("ask for a new hash when any parameter differs", async () => {
    const stored = await makeHasher().hash("password123");
    for (const change of [{ memoryCost: 128 }, { timeCost: 1 }, { timeCost: 3 }, { parallelism: 2 }]) {
      const changed = makeHasher(change);
      expect(await changed.verify(stored, "password123")).toEqual(rightButStale);
      expect(await changed.verify(stored, "password124")).toEqual(wrong);
      expect(await changed.verify(await changed.hash("password123"), "password123")).toEqual(right);
    }
  });

  it.each([
    ["argon2i", { type: argon2i }],
    ["an older version", { version: 0x10 }],
    ["a shorter digest", { hashLength: 16 }],
  ] as const)("ask for a new hash when it was made with %s", async (_, difference) => {
    const stored = await hashWithLibrary("password123", { ...cost, ...difference });
    expect(await makeHasher().verify(stored, "password123")).toEqual(rightButStale);
  });

  it("read a hash whatever the order of its parameters", async () => {
    // The library writes m, p, t.
    const stored = await hashWithLibrary("password123", cost);
    expect(await makeHasher().verify(stored, "password123")).toEqual(right);
  });
});

describe("what cannot be verified", () => {
  const salt = "c2FsdHNhbHRzYWx0c2FsdA";
  const digest = "A".repeat(43);

  it.each([
    ["an unknown account", null],
    ["nothing", ""],
    ["plain text", "password123"],
    ["an unusable password of Django", "!LKhbWXd6okOnMd3SAlje0y5tJLpqr2LOuAV00unw"],
    ["a wrong type", `$argon2x$v=19$m=64,t=2,p=1$${salt}$${digest}`],
    ["a wrong version", `$argon2id$v=20$m=64,t=2,p=1$${salt}$${digest}`],
    ["a missing parameter", `$argon2id$v=19$m=64,t=2$${salt}$${digest}`],
    ["a repeated parameter", `$argon2id$v=19$m=64,m=64,t=2$${salt}$${digest}`],
    ["no passes", `$argon2id$v=19$m=64,t=0,p=1$${salt}$${digest}`],
    ["no threads", `$argon2id$v=19$m=64,t=2,p=0$${salt}$${digest}`],
    ["less memory than the threads need", `$argon2id$v=19$m=15,t=2,p=2$${salt}$${digest}`],
    ["4 GiB of memory", `$argon2id$v=19$m=4194304,t=1,p=1$${salt}$${digest}`],
    ["512 MiB of memory", `$argon2id$v=19$m=524288,t=1,p=1$${salt}$${digest}`],
    ["five passes over 256 MiB", `$argon2id$v=19$m=262144,t=5,p=1$${salt}$${digest}`],
    ["a million passes", `$argon2id$v=19$m=64,t=1000000,p=1$${salt}$${digest}`],
    ["a thousand threads", `$argon2id$v=19$m=8000,t=1,p=1000$${salt}$${digest}`],
    ["a missing digest", `$argon2id$v=19$m=64,t=2,p=1$${salt}`],
    ["a short digest", `$argon2id$v=19$m=64,t=2,p=1$${salt}$AAAA`],
    ["a short salt", `$argon2id$v=19$m=64,t=2,p=1$AAAA$${digest}`],
    ["a letter that is not base64", `$argon2id$v=19$m=64,t=2,p=1$${salt}$${"_".repeat(43)}`],
    ["a line feed at the end", `$argon2id$v=19$m=64,t=2,p=1$${salt}$${digest}\n`],
    ["megabytes", `$argon2id$v=19$m=64,t=2,p=1$${salt}$${"A".repeat(10_000_000)}`],
  ])("costs one hash and fails: %s", async (_, stored) => {
    expect(await makeHasher().verify(stored, "password123")).toEqual(wrong);
    expect(work.started).toBe(1);
    expect(parseArgon2Hash(stored ?? "", cost)).toBeUndefined();
  });

  it("costs one hash also for the first, and for many at once", async () => {
    const hasher = makeHasher();
    const verifications = Array.from({ length: 5 }, () => hasher.verify(null, "password123"));
    expect(await Promise.all(verifications)).toEqual([wrong, wrong, wrong, wrong, wrong]);
    expect(work.started).toBe(5);
  });

  it("is only what exceeds both the usual bounds and this service's own settings", async () => {
    const threads = { memoryCost: 256, parallelism: 20 };
    const stored = await makeHasher(threads).hash("password123");
    expect(await makeHasher(threads).verify(stored, "password123")).toEqual(right);
    expect(await makeHasher().verify(stored, "password123")).toEqual(wrong);
  });
});

const pbkdf2 = (iterations: number) => `pbkdf2_sha256$${iterations}$salt$${"A".repeat(43)}=`;

describe("a refusal costs the same whichever hash the account has, once such a hash is known:", () => {
  /** How many computations of each algorithm a verification starts. */
  const costOf = async (hasher: PasswordHasher, stored: string | null, password: string) => {
    const [argon2Before, pbkdf2Before] = [work.started, pbkdf2Work.started];
    await hasher.verify(stored, password);
    return { argon2: work.started - argon2Before, pbkdf2: pbkdf2Work.started - pbkdf2Before };
  };

  let pbkdf2Work: HashWork;
  beforeEach(() => {
    pbkdf2Work = new HashWork("PBKDF2REQUEST");
  });
  afterEach(() => pbkdf2Work.stop());

  it("of other parameters", async () => {
    const hasher = makeHasher();
    const [present, stale] = [
      await hasher.hash("password123"),
      await makeHasher({ timeCost: 3 }).hash("password123"),
    ];
    expect(await costOf(hasher, null, "password124")).toEqual({ argon2: 1, pbkdf2: 0 });
    hasher.learn(stale);
    for (const stored of [null, "malformed", present, stale])
      expect(await costOf(hasher, stored, "password124")).toEqual({ argon2: 2, pbkdf2: 0 });
    // Who knows the password learns nothing by the time.
    for (const stored of [present, stale])
      expect(await costOf(hasher, stored, "password123")).toEqual({ argon2: 1, pbkdf2: 0 });
  });

  it("of Django, of which the one with the most iterations counts (ASVS V6.3.8)", async () => {
    const hasher = makeHasher();
    const present = await hasher.hash("password123");
    for (const iterations of [1000, 3000, 2000]) hasher.learn(pbkdf2(iterations));
    expect(hasher.kinds).toEqual([expect.stringMatching(/^argon2 /), "pbkdf2_sha256"]);
    for (const stored of [null, present, pbkdf2(3000)])
      expect(await costOf(hasher, stored, "password124")).toEqual({ argon2: 1, pbkdf2: 1 });
    // Its own iterations, and those that are missing.
    expect(await costOf(hasher, pbkdf2(1000), "password124")).toEqual({ argon2: 1, pbkdf2: 2 });
  });

  it("of an account that the hasher comes across itself; of four other kinds at most", async () => {
    const hasher = makeHasher();
    for (let timeCost = 3; timeCost <= 8; timeCost += 1)
      await hasher.verify(await makeHasher({ timeCost }).hash("password123"), "password123");
    expect(hasher.kinds.map((kind) => kind.split(" ")[4])).toEqual(["2", "3", "4", "5", "6"]);
    expect(await costOf(hasher, null, "password124")).toEqual({ argon2: 5, pbkdf2: 0 });
  });
});

describe("concurrency", () => {
  it("never exceeds what is set, for hashes, verifications and decoys together", async () => {
    const hasher = makeHasher({ concurrency: 3 });
    const stored = await hasher.hash("password123");
    const results = await Promise.all(
      Array.from({ length: 10 }, () => [
        hasher.hash("password123"),
        hasher.verify(stored, "password123"),
        hasher.verify(`argon2${stored}`, "password123"),
        hasher.verify(null, "password123"),
      ]).flat(),
    );
    expect(results).toHaveLength(40);
    expect(work.started).toBe(41);
    expect(work.mostAtOnce).toBe(3);
    expect([hasher.running, hasher.waiting]).toEqual([0, 0]);
  });

  it("refuses at once, before any work, when the queue is full", async () => {
    const hasher = makeHasher({ concurrency: 1, queueLimit: 2 });
    const accepted = [hasher.hash("password123"), hasher.hash("password123"), hasher.hash("password123")];
    expect([hasher.running, hasher.waiting]).toEqual([1, 2]);
    const refused = [
      hasher.hash("password123"),
      hasher.verify(null, "password123"),
      hasher.verify("malformed", "password123"),
    ];
    for (const outcome of await Promise.allSettled(refused)) {
      const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
      expect(error).toBeInstanceOf(ServiceUnavailable);
      expect(error).toMatchObject({ details: { retryAfter: 1 } });
    }
    expect(await Promise.all(accepted)).toHaveLength(3);
    expect(work.started).toBe(3);
  });
});
