import type { FastifyBaseLogger } from "fastify";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

/** Milliseconds. */
const resolution = 10;

/** Measures once in a while how late the event loop is and how much memory is in use. */
export class LoadSampler {
  /** Milliseconds that each turn of the event loop was late, on average. */
  eventLoopDelay = 0;
  heapUsedBytes = 0;
  rssBytes = 0;
  private readonly delays = monitorEventLoopDelay({ resolution });
  private readonly timer: NodeJS.Timeout;
  private readonly logger: Pick<FastifyBaseLogger, "warn">;
  private failed = false;

  /** @param interval milliseconds between samples */
  constructor(interval: number, logger: Pick<FastifyBaseLogger, "warn">) {
    this.logger = logger;
    this.delays.enable();
    this.timer = setInterval(() => this.sample(), interval).unref();
  }

  close(): void {
    clearInterval(this.timer);
    this.delays.disable();
  }

  private sample(): void {
    const { mean } = this.delays;
    // Without a single turn there is no mean.
    this.eventLoopDelay = Number.isNaN(mean) ? Infinity : Math.max(0, mean / 1e6 - resolution);
    this.delays.reset();
    this.heapUsedBytes = getHeapStatistics().used_heap_size;
    try {
      this.rssBytes = process.memoryUsage.rss();
      this.failed = false;
    } catch (err) {
      // It is read from a file, and there may be no descriptor left. The last value stands.
      if (!this.failed) this.logger.warn({ err }, "the memory in use cannot be measured: trying again");
      this.failed = true;
    }
  }
}
