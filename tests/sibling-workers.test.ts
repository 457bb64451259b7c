import { expect, it } from "@jest/globals";
import type { ToParent, ToWorker } from "../src/workers/messages.ts";
import { Relay } from "../src/workers/relay.ts";
import { SiblingWorkers } from "../src/workers/sibling-workers.ts";

/** A worker whose channel can be held up: what is said to it waits. */
function connect(relay: Relay) {
  const forgotten: string[] = [];
  const waiting: ToWorker[] = [];
  let isHeldUp = false;
  const channel = {
    isConnected: () => true,
    send: (message: ToWorker) => (isHeldUp ? waiting.push(message) > 0 : (siblings.hear(message), true)),
  };
  const siblings: SiblingWorkers = new SiblingWorkers(
    (message: ToParent) => relay.hear(channel, message),
    (id) => void forgotten.push(id),
  );
  siblings.start();
  return {
    siblings,
    forgotten,
    lose: () => relay.lose(channel),
    holdUp: () => (isHeldUp = true),
    letGo() {
      isHeldUp = false;
      for (const message of waiting.splice(0)) siblings.hear(message);
    },
  };
}

const uses = ({ siblings }: ReturnType<typeof connect>) => siblings.isHeard(performance.now());

it("a worker that answers has forgotten before it is said so", async () => {
  const relay = new Relay();
  const [one, other] = [connect(relay), connect(relay)];
  await one.siblings.forget(["a", "b"]);
  expect([one.forgotten, other.forgotten]).toEqual([[], ["a", "b"]]);
  expect([uses(one), uses(other)]).toEqual([true, true]);
});

it("a worker that does not answer uses nothing that it remembers, until it has heard", async () => {
  const relay = new Relay();
  const [one, deaf] = [connect(relay), connect(relay)];
  deaf.holdUp();
  await one.siblings.forget(["a"]);
  expect([uses(deaf), deaf.forgotten]).toEqual([false, []]);
  deaf.letGo();
  deaf.siblings.start();
  expect([uses(deaf), deaf.forgotten]).toEqual([true, ["a"]]);
});

it("a worker that is gone is not waited for", async () => {
  const relay = new Relay();
  const [one, gone] = [connect(relay), connect(relay)];
  gone.holdUp();
  const told = one.siblings.forget(["a"]);
  gone.lose();
  await told;
  expect(uses(gone)).toBe(true);
});
