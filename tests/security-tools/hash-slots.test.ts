import { setImmediate } from "node:timers/promises";

import { describe, expect, it } from "@jest/globals";

import { ServiceUnavailable } from "../../src/errors.ts";
import { HashSlots } from "../../src/security/hash-slots.ts";
import { runForAddress } from "../../src/shares/current-caller.ts";

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
    await expect(slots.run(work(3))).rejects.toBeInstanceOf(ServiceUnavailable);
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
    await expect(slots.run(work(2))).rejects.toBeInstanceOf(ServiceUnavailable);
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

  it("lets nobody wait longer than two seconds, and says when it will be better", async () => {
    const { started, work, endNext } = controlledWork();
    const slots = new HashSlots(1, 1000);
    const first = slots.run(work(0));
    // Nothing has been measured yet, so each counts for the hundredth of a second that is assumed.
    const waiting = Array.from({ length: 100 }, (_, number) => slots.run(work(number + 1)));
    await expect(slots.run(work(101))).rejects.toMatchObject({ details: { retryAfter: 2 } });
    expect(slots.secondsUntilRoom).toBe(2);
    expect(slots.waiting).toBe(100);
    for (const result of waiting) await expect(result).rejects.toMatchObject({ details: { retryAfter: 1 } });
    expect([slots.running, slots.waiting, started]).toEqual([1, 0, [0]]);
    await endNext();
    expect(await first).toBe(0);
    const next = slots.run(work(102));
    await setImmediate();
    await endNext();
    expect(await next).toBe(102);
  });

  it("does not begin what nobody waits for any more", async () => {
    const { started, work, endNext } = controlledWork();
    const slots = new HashSlots(1, 10);
    const first = slots.run(work(1));
    const leaving = new AbortController();
    const left = slots.run(work(2), leaving.signal);
    const last = slots.run(work(3), new AbortController().signal);
    leaving.abort();
    await expect(left).rejects.toBeInstanceOf(ServiceUnavailable);
    expect(slots.waiting).toBe(1);
    await expect(slots.run(work(4), leaving.signal)).rejects.toBeInstanceOf(ServiceUnavailable);
    await endNext();
    await endNext();
    expect([await first, await last]).toEqual([1, 3]);
    expect(started).toEqual([1, 3]);
    expect([slots.running, slots.waiting]).toEqual([0, 0]);
  });

  it("counts a place that is kept until it is used, and frees one that is not", async () => {
    const { work, endNext } = controlledWork();
    const slots = new HashSlots(1, 1);
    const { promise: ready, resolve: prepare } = Promise.withResolvers<void>();
    const first = slots.keepPlace(async (place) => {
      await ready;
      return slots.run(work(1), undefined, place);
    });
    const failing = slots.keepPlace(async () => {
      await ready;
      throw new Error("failed");
    });
    expect([slots.kept, slots.running, slots.secondsUntilRoom]).toEqual([2, 0, 1]);
    await expect(slots.keepPlace(async () => 3)).rejects.toMatchObject({ details: { retryAfter: 1 } });
    await expect(slots.run(work(3))).rejects.toBeInstanceOf(ServiceUnavailable);
    prepare();
    await expect(failing).rejects.toThrow("failed");
    await setImmediate();
    expect([slots.kept, slots.running, slots.secondsUntilRoom]).toEqual([0, 1, 0]);
    await endNext();
    expect(await first).toBe(1);
    expect([slots.kept, slots.running]).toEqual([0, 0]);
  });

  it("begins three errands a slot, and none that nobody waits for any more", async () => {
    const { started, work, endNext } = controlledWork();
    const slots = new HashSlots(1, 10);
    const leaving = new AbortController();
    const errands = [1, 2, 3, 4, 5].map((number) =>
      slots.keepPlace(work(number), number === 4 ? leaving.signal : undefined),
    );
    await setImmediate();
    expect([started, slots.kept]).toEqual([[1, 2, 3], 5]);
    leaving.abort();
    await expect(errands[3]).rejects.toBeInstanceOf(ServiceUnavailable);
    expect(slots.kept).toBe(4);
    await endNext();
    expect([started, slots.kept]).toEqual([[1, 2, 3, 5], 3]);
    for (let count = 0; count < 3; count++) await endNext();
    expect(slots.kept).toBe(0);
  });

  it("lets addresses take turns; when the queue is full, a newcomer displaces the latest of who has most", async () => {
    const { started, work, endNext } = controlledWork();
    const slots = new HashSlots(1, 4);
    const run = (address: string, number: number) =>
      runForAddress(
        () => address,
        () => slots.run(work(number)),
      );
    const first = [1, 2, 3, 4, 5].map((number) => run("192.0.2.1", number));
    await expect(run("192.0.2.1", 6)).rejects.toBeInstanceOf(ServiceUnavailable);
    const other = run("192.0.2.2", 7);
    await expect(first[4]).rejects.toMatchObject({ details: { retryAfter: 1 } });
    await setImmediate();
    expect([slots.running, slots.waiting]).toEqual([1, 4]);
    while (slots.running > 0) await endNext();
    expect(started).toEqual([1, 7, 2, 3, 4]);
    expect(await Promise.all([...first.slice(0, 4), other])).toEqual([1, 2, 3, 4, 7]);
  });
});
