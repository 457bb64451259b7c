import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setPriority } from "node:os";
import type { KeyDerivation } from "./key-derivation.ts";

export interface HashQuestion {
  password: string;
  derivation: KeyDerivation;
}

export type HashAnswer = { ready: true } | { key: Uint8Array } | { failed: true };

/** The process is gone: whether it ever came to work. */
export class HashProcessEnded extends Error {
  readonly hadStarted: boolean;

  constructor(hadStarted: boolean) {
    super("A process that hashes passwords has ended.");
    this.hadStarted = hadStarted;
  }
}

/** Everything else goes before hashing, which makes its own pace. */
const lowPriority = 10;

/** A process that derives one key at a time. It ends with this one, and does not keep this one from ending. */
export class HashProcess {
  readonly #child: ChildProcess;
  readonly #longestHash: number;
  #hadStarted = false;
  #hasEnded = false;
  #asked: PromiseWithResolvers<Buffer> | undefined;

  /**
   * @param longestHash milliseconds after which it is ended
   * @throws an Error of the system's where it has no room for another process
   */
  constructor(module: URL, longestHash: number) {
    this.#longestHash = longestHash;
    this.#child = fork(module, [], {
      // Nothing of our environment, which holds secrets, and no word from it: of what it does nothing is to be known.
      env: inherited(),
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", (answer: HashAnswer) => this.#take(answer));
    this.#child.once("exit", () => this.#end());
    this.#child.once("error", () => this.end());
    // Without a file descriptor there is no process, and nothing to send to.
    if (this.#child.pid === undefined) throw new Error("The system has started no process.");
    this.#child.unref();
    this.#child.channel?.unref();
    lowerPriority(this.#child.pid);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** One at a time. @throws HashProcessEnded when it is gone before there was an answer */
  async derive(password: string, derivation: KeyDerivation): Promise<Buffer> {
    if (this.#hasEnded) throw new HashProcessEnded(this.#hadStarted);
    this.#asked = Promise.withResolvers<Buffer>();
    this.#child.ref();
    const question: HashQuestion = { password, derivation };
    this.#child.send(question, (error) => {
      if (error) this.end();
    });
    const timer = setTimeout(() => this.end(), this.#longestHash);
    return this.#asked.promise.finally(() => clearTimeout(timer));
  }

  end(): void {
    this.#child.kill("SIGKILL");
    this.#end();
  }

  #take(answer: HashAnswer): void {
    this.#hadStarted = true;
    if ("ready" in answer) return;
    this.#child.unref();
    if ("key" in answer) this.#asked?.resolve(Buffer.from(answer.key));
    else this.#asked?.reject(new Error("A password could not be hashed."));
    this.#asked = undefined;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#child.unref();
    this.#asked?.reject(new HashProcessEnded(this.#hadStarted));
    this.#asked = undefined;
  }
}

/** What finds system libraries. */
function inherited(): NodeJS.ProcessEnv {
  const names = ["LD_LIBRARY_PATH", "SystemRoot"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Before it has threads of its own, which inherit it. */
function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, lowPriority);
  } catch {
    // It is gone already, or may not be changed: it hashes all the same.
  }
}
