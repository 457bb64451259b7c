import type { Worker } from "node:cluster";
import { beatCounts } from "./messages.ts";
import type { ToParent, ToWorker } from "./messages.ts";

/** Passes on among the workers what is to be forgotten, and tells who asked when it is. */
export class Relay {
  /** Those that have been heard: before its first beat came back, a worker uses nothing that it remembers. */
  private readonly hearing = new Set<Worker>();
  /** By the number under which it was passed on: who has not answered yet. */
  private readonly awaited = new Map<number, { missing: Set<Worker>; done: () => void }>();
  private passedOn = 0;

  hear(from: Worker, message: ToParent): void {
    if (message.kind === "beat") {
      this.hearing.add(from);
      say(from, message);
    }
    if (message.kind === "forget") this.passOn(from, message);
    if (message.kind === "forgotten") this.answered(from, message.number);
  }

  lose(worker: Worker): void {
    this.hearing.delete(worker);
    for (const number of this.awaited.keys()) this.answered(worker, number);
  }

  private passOn(from: Worker, { number, ids }: { number: number; ids: readonly string[] }): void {
    const others = [...this.hearing].filter((worker) => worker !== from);
    const passed = ++this.passedOn;
    // Who has not answered by then uses nothing that it remembers before it has heard of this: its last beat that came
    // back without counts no more.
    const patience = setTimeout(() => done(), beatCounts);
    const done = () => {
      clearTimeout(patience);
      this.awaited.delete(passed);
      say(from, { kind: "forgotten", number });
    };
    this.awaited.set(passed, { missing: new Set(others), done });
    for (const worker of others) say(worker, { kind: "forget", number: passed, ids });
    if (others.length === 0) done();
  }

  private answered(worker: Worker, number: number): void {
    const awaited = this.awaited.get(number);
    if (awaited?.missing.delete(worker) && awaited.missing.size === 0) awaited.done();
  }
}

/** Who is gone hears nothing, which is no failure. */
export function say(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => {});
}
