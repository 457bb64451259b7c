import { extname } from "node:path";
import type { Logger } from "pino";
import { HashInterrupted } from "../errors.ts";
import { deriveKey } from "./derive-key.ts";
import { HashProcess, HashProcessEnded } from "./hash-process.ts";
import { isCheap } from "./key-derivation.ts";
import type { KeyDerivation } from "./key-derivation.ts";

// A .ts file in src and a .js file once built.
const childModule = new URL(`./hash-child${extname(import.meta.url)}`, import.meta.url);

/** File descriptors that a process for hashing takes while it starts. */
export const filesPerProcess = 4;

/** Milliseconds until it is tried again, where no process could be started. */
const startPause = 60_000;

/** Of the processes that were at it, how many may end before a hash is given up: it may be what ends them. */
const mostDeaths = 2;

/** Milliseconds. Nobody waits longer for an answer (see doorLimits), and a hash that has no end would hold its slot for ever. */
const longestHash = 30_000;

/** Derives keys in processes at low priority, one key each. Whoever asks sets the bound: each key at hand has its own. */
export class HashProcesses {
  readonly #logger: Pick<Logger, "warn">;
  readonly #module: URL;
  readonly #longestHash: number;
  #all: HashProcess[] = [];
  /** The last to finish is the next to begin, so that there are never more than were needed at once. */
  readonly #idle: HashProcess[] = [];
  #noStartBefore = -Infinity;
  #hasWarned = false;
  #isClosed = false;

  /**
   * @param module what the processes run
   * @param longest milliseconds after which a process that is at a hash is ended
   */
  constructor(logger: Pick<Logger, "warn">, module = childModule, longest = longestHash) {
    this.#logger = logger;
    this.#module = module;
    this.#longestHash = longest;
  }

  /**
   * What costs next to nothing, and everything while no process can be started, is done in this one.
   * @throws HashInterrupted where two processes have ended over it
   */
  async derive(password: string, derivation: KeyDerivation): Promise<Buffer> {
    if (isCheap(derivation)) return deriveKey(password, derivation);
    for (let deaths = 0; deaths < mostDeaths && !this.#isClosed;) {
      const process = this.#take();
      if (process === undefined) return deriveKey(password, derivation);
      try {
        return await process.derive(password, derivation);
      } catch (error) {
        if (!(error instanceof HashProcessEnded)) throw error;
        if (error.hadStarted) deaths += 1;
        else if (!this.#isClosed) this.#stopStarting(error);
      } finally {
        if (!process.hasEnded) this.#idle.push(process);
      }
    }
    throw new HashInterrupted({ retryAfter: 1 });
  }

  /** Ends the processes, whatever they are at. */
  close(): void {
    this.#isClosed = true;
    for (const process of this.#all) process.end();
  }

  /** Undefined where none waits for work and none can be started. */
  #take(): HashProcess | undefined {
    for (let process = this.#idle.pop(); process !== undefined; process = this.#idle.pop())
      if (!process.hasEnded) return process;
    return this.#start();
  }

  #start(): HashProcess | undefined {
    if (performance.now() < this.#noStartBefore) return undefined;
    try {
      const process = new HashProcess(this.#module, this.#longestHash);
      this.#all = [...this.#all.filter(({ hasEnded }) => !hasEnded), process];
      return process;
    } catch (error) {
      return this.#stopStarting(error);
    }
  }

  #stopStarting(err: unknown): undefined {
    this.#noStartBefore = performance.now() + startPause;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn(
      { err },
      "no process can be started to hash passwords: they are hashed in the gateway's own",
    );
  }
}
