import { setImmediate } from "node:timers/promises";

import { describe, expect, it } from "@jest/globals";

import { TooManyRequests } from "../../src/errors.ts";
import { HashSlots } from "../../src/security/hash-slots.ts";

/** Work that lasts until it is told to end. */
function controlledWork() {
  const started: number[] = [];
  const ends: Array<() => void> = [];
  const work = (number: number) => () => {
    started.push(number);
    return new Promise<number>((resolve) => ends.push(() => resolve(number)));
  };
  const endNext = async () => {
    ends.shift()?.();
    await setImmediate();
  };
  return { started, work, endNext };
}

describe("HashSlots", () => {
  it("runs as many at once as it may, the rest in the order they came", async () => {
    const { started, work, endNext } = controlledWork();
    const slots = new HashSlots(2, 10);
    const results = [1, 2, 3, 4, 5].map((number) => slots.run(work(number)));
    await setImmediate();
    expect(started).toEqual([1, 2]);
    expect([slots.running, slots.waiting]).toEqual([2, 3]);
    await endNext();
    expect(started).toEqual([1, 2, 3]);
    expect([slots.running, slots.waiting]).toEqual([2, 2]);
    while (slots.running > 0) await endNext();
    expect(started).toEqual([1, 2, 3, 4, 5]);
    expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5]);
  });

  it("refuses at once, without beginning the work, when the queue is full", async () => {
    const { started, work, endNext } = controlledWork();
    const slots = new HashSlots(1, 1);
    const results = [slots.run(work(1)), slots.run(work(2))];
    await expect(slots.run(work(3))).rejects.toBeInstanceOf(TooManyRequests);
    expect(started).toEqual([1]);
    await endNext();
    await endNext();
    expect(await Promise.all(results)).toEqual([1, 2]);
    const next = slots.run(work(4));
    await setImmediate();
    await endNext();
    expect(await next).toBe(4);
  });

  it("lets nobody wait where the queue has no place", async () => {
    const { work, endNext } = controlledWork();
    const slots = new HashSlots(1, 0);
    const only = slots.run(work(1));
    await expect(slots.run(work(2))).rejects.toBeInstanceOf(TooManyRequests);
    await endNext();
    expect(await only).toBe(1);
  });

  it("frees the slot of work that failed", async () => {
    const { work, endNext } = controlledWork();
    const slots = new HashSlots(1, 1);
    const failing = slots.run(async () => {
      await setImmediate();
      throw new Error("failed");
    });
    const waiting = slots.run(work(1));
    await expect(failing).rejects.toThrow("failed");
    await setImmediate();
    await endNext();
    expect(await waiting).toBe(1);
    expect([slots.running, slots.waiting]).toEqual([0, 0]);
  });

  it("says after how many seconds the queue will have been worked off", async () => {
    const { work } = controlledWork();
    const retryAfter = async (queueLimit: number, concurrency: number) => {
      const slots = new HashSlots(concurrency, queueLimit);
      for (let number = 0; number < queueLimit + concurrency; number += 1) void slots.run(work(number));
      const refusal: unknown = await slots.run(work(0)).catch((error: unknown) => error);
      return refusal instanceof TooManyRequests ? refusal.details.retryAfter : undefined;
    };
    // Nothing has been measured yet, so each takes the tenth of a second that is assumed.
    expect(await retryAfter(0, 1)).toBe(1);
    expect(await retryAfter(99, 1)).toBe(10);
    expect(await retryAfter(100, 1)).toBe(11);
    expect(await retryAfter(96, 4)).toBe(3);
  });
});
