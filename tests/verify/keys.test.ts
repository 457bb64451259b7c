import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Verifier } from "../../src/verify/verifier.ts";
import { until } from "../support/until.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { makeKey, sign } from "./tokens.ts";
import { closeAll, impatient, keysOnlyVerifierFor, refusal } from "./verifiers.ts";

let gateway: FakeGateway;

beforeEach(async () => {
  gateway = await FakeGateway.start();
});

afterEach(closeAll);

describe("made-up key ids", () => {
  it("make no request within the cool-down, however many there are", async () => {
    const verifier = keysOnlyVerifierFor(gateway);
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
    expect(await flood(verifier)).toEqual(["TOKEN_INVALID"]);
    expect(gateway.requests.keys).toBe(1);
  });

  it("make no more while the gateway is down, and get no verdict", async () => {
    const verifier = keysOnlyVerifierFor(gateway, { timings: { keyCooldown: 1 } });
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
    gateway.mood = "failing";
    await until(async () => (await refusal(verifier, await madeUp())) === "VERIFIER_UNAVAILABLE");
    expect(gateway.requests.keys).toBe(2);
    expect(await flood(verifier)).toEqual(["VERIFIER_UNAVAILABLE"]);
    expect(gateway.requests.keys).toBe(2);
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
  });
});

describe("a rotation", () => {
  it("is followed by the new key's first token, after a cool-down", async () => {
    const verifier = keysOnlyVerifierFor(gateway, { timings: { keyCooldown: 0.1 } });
    const before = await sign(gateway.key);
    expect(await refusal(verifier, before)).toBeUndefined();
    await rotate();
    const after = await sign(gateway.key);
    await until(async () => (await refusal(verifier, after)) === undefined);
    expect(await refusal(verifier, before)).toBeUndefined();
  });

  it("is followed in the background: a retired key drops out", async () => {
    const verifier = keysOnlyVerifierFor(gateway, { timings: { keyReload: 0.05 } });
    const before = await sign(gateway.key);
    expect(await refusal(verifier, before)).toBeUndefined();
    await rotate();
    gateway.published = [gateway.key.publicJwk];
    await until(async () => (await refusal(verifier, before)) === "TOKEN_INVALID");
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
  });
});

describe("while the gateway is down", () => {
  it("the last good keys stay in use", async () => {
    const errors: unknown[] = [];
    const verifier = keysOnlyVerifierFor(gateway, {
      timings: { keyReload: 0.02, requestTimeout: 0.3 },
      onError: (error) => errors.push(error),
    });
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
    for (const mood of ["failing", "hanging"] as const) {
      gateway.mood = mood;
      const seen = errors.length;
      await until(() => errors.length > seen + 1);
      expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
    }
    await gateway.stop();
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
  });

  it.each(["failing", "hanging"] as const)("nothing is accepted before the first keys: %s", async (mood) => {
    gateway.mood = mood;
    const verifier = keysOnlyVerifierFor(gateway, { timings: impatient });
    const started = performance.now();
    const token = await sign(gateway.key);
    expect(await Promise.all([refusal(verifier, token), refusal(verifier, token)])).toEqual([
      "VERIFIER_UNAVAILABLE",
      "VERIFIER_UNAVAILABLE",
    ]);
    expect(performance.now() - started).toBeLessThan(2000);
    gateway.mood = "well";
    await until(async () => (await refusal(verifier, token)) === undefined);
  });

  it("a caller who comes first waits for the keys", async () => {
    gateway.mood = "failing";
    const verifier = keysOnlyVerifierFor(gateway);
    const verdict = refusal(verifier, await sign(gateway.key));
    await until(() => gateway.requests.keys > 1);
    gateway.mood = "well";
    expect(await verdict).toBeUndefined();
  });
});

describe("a key set that is none", () => {
  it.each([
    "{}",
    "[]",
    '{"keys":{}}',
    '{"keys":[null]}',
    "<html>",
    "null",
    `"${"x".repeat(17 * 1024 * 1024)}"`,
  ])("changes nothing: %#", async (text) => {
    const errors: unknown[] = [];
    const verifier = keysOnlyVerifierFor(gateway, {
      timings: { keyReload: 0.02 },
      onError: (error) => errors.push(error),
    });
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
    gateway.keysText = text;
    await until(() => errors.length > 0);
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
  });

  it("holds no key of ours: nothing is accepted, and the owner is told", async () => {
    const errors: unknown[] = [];
    gateway.published = [];
    const verifier = keysOnlyVerifierFor(gateway, { onError: (error) => errors.push(error) });
    expect(await refusal(verifier, await sign(gateway.key))).toBe("TOKEN_INVALID");
    expect(String(errors[0])).toBe("Error: The gateway has no key for ES256, RS256, PS256.");
  });
});

async function rotate(): Promise<void> {
  gateway.key = await makeKey("ES256");
  gateway.published = [...gateway.published, gateway.key.publicJwk];
}

async function madeUp(): Promise<string> {
  return sign(gateway.key, {}, { kid: Math.random().toString() });
}

/** What came out of a hundred made-up keys, half of them all at once. */
async function flood(verifier: Verifier): Promise<Array<string | undefined>> {
  const reasons = new Set(await Promise.all(Array.from({ length: 50 }, () => tryMadeUp(verifier))));
  for (let count = 0; count < 50; count += 1) reasons.add(await tryMadeUp(verifier));
  return [...reasons];
}

async function tryMadeUp(verifier: Verifier): Promise<string | undefined> {
  return refusal(verifier, await madeUp());
}
