import type { Siblings } from "../sessions/own-changes.ts";
import { beatCounts, beatTime } from "./messages.ts";
import type { ToParent, ToWorker } from "./messages.ts";

/**
 * The other workers, as one of them sees them. What it is told and what it says goes by way of the parent, in order; so
 * when the parent gives back a beat, all is heard that was to be forgotten before.
 */
export class SiblingWorkers implements Siblings {
  private readonly send: (message: ToParent) => void;
  private readonly awaited = new Map<number, () => void>();
  private asked = 0;
  private heardUntil = -Infinity;
  private readonly forgetHere: (id: string) => void;

  /** @param forgetHere makes this worker forget an id */
  constructor(send: (message: ToParent) => void, forgetHere: (id: string) => void) {
    this.send = send;
    this.forgetHere = forgetHere;
  }

  start(): void {
    const beat = () => this.send({ kind: "beat", sentAt: performance.now() });
    beat();
    setInterval(beat, beatTime).unref();
  }

  /** @param now by `performance.now()` */
  isHeard(now: number): boolean {
    return now < this.heardUntil;
  }

  /** Resolves when no other worker remembers these ids, or uses what it does. */
  forget(ids: readonly string[]): Promise<void> {
    const number = ++this.asked;
    return new Promise((resolve) => {
      this.awaited.set(number, resolve);
      this.send({ kind: "forget", number, ids });
    });
  }

  hear(message: ToWorker): void {
    if (message.kind === "beat") this.heardUntil = Math.max(this.heardUntil, message.sentAt + beatCounts);
    if (message.kind === "forget") {
      for (const id of message.ids) this.forgetHere(id);
      this.send({ kind: "forgotten", number: message.number });
    }
    if (message.kind === "forgotten") {
      this.awaited.get(message.number)?.();
      this.awaited.delete(message.number);
    }
  }
}
