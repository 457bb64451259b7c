import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Verifier } from "../../src/verify/verifier.ts";
import { until } from "../support/until.ts";
import { FakeGateway, packed } from "./fake-gateway.ts";
import { makeKey, sign } from "./tokens.ts";
import { closeAll, impatient, keysOnlyVerifierFor, refusal, verifierFor } from "./verifiers.ts";

let gateway: FakeGateway;
let sid: string;
let token: string;

beforeEach(async () => {
  gateway = await FakeGateway.start();
  sid = randomUUID();
  token = await sign(gateway.key, { sid });
});

afterEach(closeAll);

describe("a revoked session", () => {
  it("is known from the snapshot", async () => {
    gateway.revoked = [randomUUID(), sid];
    const verifier = verifierFor(gateway, { timings: { heartbeat: 5 } });
    expect(await refusal(verifier, token)).toBe("TOKEN_REVOKED");
    expect(await refusal(verifier, await sign(gateway.key))).toBeUndefined();
    expect(gateway.requests).toMatchObject({ keys: 1, streams: 1, lists: 0 });
  });

  it("is heard of at once, and never forgotten for a snapshot without it", async () => {
    const verifier = verifierFor(gateway);
    expect(await refusal(verifier, token)).toBeUndefined();
    await gateway.revoke(sid);
    await untilRevoked(verifier);
    const later = randomUUID();
    await gateway.say("snapshot", await gateway.signStatement([later]));
    const tokenOfLater = await sign(gateway.key, { sid: later });
    await until(async () => (await refusal(verifier, tokenOfLater)) === "TOKEN_REVOKED");
    expect(await refusal(verifier, token)).toBe("TOKEN_REVOKED");
  });

  it("is one of ten thousand", async () => {
    const ids = Array.from({ length: 10_000 }, () => randomUUID());
    expect(packed(ids)).toHaveLength(213_334);
    gateway.revoked = ids;
    const verifier = verifierFor(gateway);
    for (const [index, id] of ids.entries())
      if (index % 1000 === 0 || index === 9999)
        expect(await refusal(verifier, await sign(gateway.key, { sid: id }))).toBe("TOKEN_REVOKED");
    expect(await refusal(verifier, token)).toBeUndefined();
    await gateway.revoke(sid);
    await untilRevoked(verifier);
  });
});

describe("without a stream", () => {
  it.each(["none", "silent"] as const)(
    "the list is asked for, and again when it changed: %s",
    async (streaming) => {
      gateway.streaming = streaming;
      const verifier = verifierFor(gateway);
      expect(await refusal(verifier, token)).toBeUndefined();
      await until(() => gateway.requests.unchanged > 1);
      expect(verifier.staleness()).toBeLessThan(5);
      gateway.revoked.push(sid);
      await untilRevoked(verifier);
      gateway.streaming = "well";
      await until(() => gateway.openStreams === 1);
    },
  );
});

describe("a stream", () => {
  it("that is cut is opened anew, and nothing said meanwhile is lost", async () => {
    const verifier = verifierFor(gateway);
    expect(await refusal(verifier, token)).toBeUndefined();
    gateway.revoked.push(sid);
    gateway.cutStreams();
    await untilRevoked(verifier);
    await until(() => gateway.openStreams === 1);
  });

  it("that says nothing for three heartbeats is dead", async () => {
    const errors: unknown[] = [];
    const verifier = verifierFor(gateway, { onError: (error) => errors.push(error) });
    await verifier.verify(token);
    await until(() => gateway.openStreams === 1);
    gateway.beating = false;
    await until(() => gateway.requests.streams === 2);
    expect(errors).toHaveLength(1);
    gateway.beating = true;
    await gateway.revoke(sid);
    await untilRevoked(verifier);
  });

  it("outlives a restart of the gateway, which is not stormed meanwhile", async () => {
    const verifier = verifierFor(gateway, { timings: { longestPause: 0.25 } });
    await verifier.verify(token);
    await gateway.stop();
    await until(() => verifier.staleness() > 1);
    expect(await refusal(verifier, token)).toBeUndefined();
    gateway.mood = "failing";
    await gateway.start();
    await until(() => gateway.requests.streams > 1);
    const started = performance.now();
    await until(() => gateway.requests.streams > 4);
    expect(performance.now() - started).toBeGreaterThan(3 * 125);
    gateway.mood = "well";
    gateway.revoked.push(sid);
    await untilRevoked(verifier);
  });
});

describe("staleness", () => {
  it("is Infinity before the first word, and small while heartbeats come, which need no further request", async () => {
    const verifier = verifierFor(gateway, { timings: { heartbeat: 0.5 } });
    expect(verifier.staleness()).toBe(Infinity);
    await verifier.verify(token);
    const requests = { ...gateway.requests };
    const end = Date.now() + 2000;
    await until(() => Date.now() > end && verifier.staleness() < 0.1);
    expect(gateway.requests).toEqual(requests);
  });

  it("stays Infinity without the feed", async () => {
    const verifier = keysOnlyVerifierFor(gateway);
    await verifier.verify(token);
    expect(verifier.staleness()).toBe(Infinity);
  });

  it("beyond maxStaleness refuses what would be accepted, until the gateway is back", async () => {
    const verifier = verifierFor(gateway, { maxStaleness: 1 });
    expect(await refusal(verifier, token)).toBeUndefined();
    gateway.revoked.push(sid);
    const other = await sign(gateway.key);
    await gateway.stop();
    await until(async () => (await refusal(verifier, other)) === "VERIFIER_UNAVAILABLE");
    expect(verifier.staleness()).toBeGreaterThan(1);
    expect(await refusal(verifier, "x.y.z")).toBe("TOKEN_INVALID");
    await gateway.start();
    await untilRevoked(verifier);
    expect(await refusal(verifier, other)).toBeUndefined();
  });
});

describe("before the first list", () => {
  it.each(["failing", "hanging"] as const)("nothing is accepted: %s", async (mood) => {
    const keys = await FakeGateway.start(gateway.key);
    gateway.mood = mood;
    const verifier = verifierFor(gateway, { jwksUri: keys.jwksUri, timings: impatient });
    expect(await refusal(verifier, token)).toBe("VERIFIER_UNAVAILABLE");
    gateway.mood = "well";
    await until(async () => (await refusal(verifier, token)) === undefined);
  });
});

it("follows the gateway's next key in the feed", async () => {
  const verifier = verifierFor(gateway, { timings: { keyCooldown: 0.05 } });
  await verifier.verify(token);
  gateway.key = await makeKey("ES256");
  gateway.published.push(gateway.key.publicJwk);
  await gateway.revoke(sid);
  await untilRevoked(verifier);
});

it("accepts nothing after close, and asks for nothing", async () => {
  const verifier = verifierFor(gateway);
  await verifier.verify(token);
  await until(() => gateway.openStreams === 1);
  verifier.close();
  await until(() => gateway.openStreams === 0);
  expect(await refusal(verifier, token)).toBe("VERIFIER_UNAVAILABLE");
});

async function untilRevoked(verifier: Verifier): Promise<void> {
  await until(async () => (await refusal(verifier, token)) === "TOKEN_REVOKED");
}
