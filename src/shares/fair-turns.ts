import { ServiceUnavailable } from "../errors.ts";
import { ShareTree } from "./share-tree.ts";
import type { SharePath } from "./share-tree.ts";

interface Turn {
  path: SharePath;
}

interface Waiter extends Turn {
  start: () => void;
  giveUp: () => void;
}

/** Lets a number of pieces of work run at once. The others wait, and those who share an address or account take turns. */
export class FairTurns {
  readonly #most: number;
  readonly #patience: number;
  readonly #running = new ShareTree<Turn>();
  readonly #waiting = new ShareTree<Waiter>();

  /** @param patience milliseconds after which a wait ends in vain */
  constructor(most: number, patience: number) {
    this.#most = most;
    this.#patience = patience;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * @param abandoned aborted when the result is no longer needed
   * @throws ServiceUnavailable, with the work not begun, if its turn does not come in time, is displaced or abandoned
   */
  async run<Result>(path: SharePath, work: () => Promise<Result>, abandoned?: AbortSignal): Promise<Result> {
    const end = await this.take(path, abandoned);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** Waits as `run` does. @returns ends the turn; further calls do nothing */
  async take(path: SharePath, abandoned?: AbortSignal): Promise<() => void> {
    if (abandoned?.aborted) throw new ServiceUnavailable();
    const turn: Turn = { path };
    if (this.#running.size < this.#most) this.#running.add(path, turn);
    else await this.#wait(turn, abandoned);
    return () => this.#end(turn);
  }

  /** Whether some caller holds more of the queue than a newcomer would. */
  canDisplace(path: SharePath): boolean {
    return this.#waiting.findOverShare(path) !== undefined;
  }

  /** Ends the wait of the newcomer's largest rival, latest first. @returns false if there is none */
  displace(path: SharePath): boolean {
    const latest = [...(this.#waiting.findOverShare(path) ?? [])].at(-1);
    latest?.giveUp();
    return latest !== undefined;
  }

  #wait(turn: Turn, abandoned: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      path: turn.path,
      start: () => {
        this.#running.add(turn.path, turn);
        resolve();
      },
      giveUp: () => {
        if (this.#waiting.remove(waiter.path, waiter)) reject(new ServiceUnavailable({ retryAfter: 1 }));
      },
    };
    this.#waiting.add(waiter.path, waiter);
    const timer = setTimeout(waiter.giveUp, this.#patience);
    abandoned?.addEventListener("abort", waiter.giveUp);
    return promise.finally(() => {
      clearTimeout(timer);
      abandoned?.removeEventListener("abort", waiter.giveUp);
    });
  }

  #end(turn: Turn): void {
    if (!this.#running.itemsOf(turn.path).has(turn)) return;
    // Chosen while this turn still counts, so that its caller is not the next again while others wait.
    const next = this.#waiting.takeNext(this.#running);
    this.#running.remove(turn.path, turn);
    next?.start();
  }
}
