import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import type { Logger } from "pino";
import type { AppSecrets } from "../app.ts";
import { Relay, say } from "./relay.ts";
import type { ToParent } from "./messages.ts";
import { closeUntakenConnection } from "./untaken-connections.ts";

/** Milliseconds until a worker that has ended is succeeded: twice as long each time, where the last ended soon. */
const firstPause = 100;
const longestPause = 10_000;

/** Milliseconds after which its end is not taken for the fault of its start. */
const longEnough = 10_000;

/** Milliseconds in which a worker is to end that is told to, before it is killed; it needs less (see lifetime.ts). */
const stopPatience = 25_000;

/** The parent of the workers: has as many at work as it should, and ends them. */
export class Supervisor {
  private readonly secrets: AppSecrets;
  private readonly logger: Pick<Logger, "info" | "error">;
  private readonly relay = new Relay();
  private readonly workers = new Set<Worker>();
  private readonly pauses = new Set<NodeJS.Timeout>();
  private pause = firstPause;
  private closing = false;
  private allEnded: (() => void) | undefined;

  constructor(secrets: AppSecrets, logger: Pick<Logger, "info" | "error">) {
    this.secrets = secrets;
    this.logger = logger;
  }

  /**
   * The first alone: what keeps it from listening would keep all of them.
   * @returns the address
   * @throws an Error of one line where a worker cannot begin
   */
  async start(count: number): Promise<string> {
    const address = await this.begin();
    await Promise.all(Array.from({ length: count - 1 }, () => this.begin()));
    return address;
  }

  /** Lets the workers finish what they are at. */
  async close(): Promise<void> {
    this.closing = true;
    for (const pause of this.pauses) clearTimeout(pause);
    if (this.workers.size === 0) return;
    const ended = new Promise<void>((resolve) => (this.allEnded = resolve));
    for (const worker of this.workers) say(worker, { kind: "stop" });
    const impatience = setTimeout(() => {
      for (const worker of this.workers) worker.process.kill("SIGKILL");
    }, stopPatience);
    await ended;
    clearTimeout(impatience);
  }

  /** Starts a worker, which has a successor from when it is ready. @returns its address */
  private async begin(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const worker = cluster.fork();
    closeUntakenConnection(worker);
    const begunAt = performance.now();
    let address: string | undefined;
    let reason: string | undefined;
    this.workers.add(worker);
    worker.on("message", (message: ToParent) => {
      if (message.kind === "failed") reason = message.reason;
      else if (message.kind === "ready") {
        address = message.address;
        this.logger.info({ worker: worker.id, pid: worker.process.pid }, "a worker is ready");
        resolve(address);
      } else this.relay.hear(worker, message);
    });
    const ended = (how: string) => {
      if (!this.workers.delete(worker)) return;
      this.relay.lose(worker);
      if (this.workers.size === 0) this.allEnded?.();
      if (address === undefined) return reject(new Error(reason ?? `a worker ended at its start: ${how}`));
      if (this.closing) return;
      this.logger.error({ worker: worker.id, how }, "a worker has ended: another one is started");
      if (performance.now() - begunAt > longEnough) this.pause = firstPause;
      this.succeed();
    };
    worker.once("exit", (code, signal) => ended(signal ?? `code ${code}`));
    worker.on("error", (error) => {
      // What has no process has no exit.
      if (worker.process.pid === undefined) ended(error.message);
    });
    say(worker, { kind: "begin", secrets: this.secrets });
    return promise;
  }

  /** For as long as it takes; of each failure is told. */
  private succeed(): void {
    const timer = setTimeout(() => {
      this.pauses.delete(timer);
      this.begin().catch((error: unknown) => {
        if (this.closing) return;
        this.logger.error({ err: error }, "a worker could not be started: it is tried again");
        this.succeed();
      });
    }, this.pause);
    this.pauses.add(timer);
    this.pause = Math.min(this.pause * 2, longestPause);
  }
}
