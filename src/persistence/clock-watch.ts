import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import { clock } from "../timing/clock.ts";

/** Milliseconds between two checks of the machine's clock. */
const watchTime = 1_000;

/** Milliseconds. Reads of the signing keys also fetch the time, and are more frequent. */
const longestAge = 10_000;

const databaseTime = "select extract(epoch from clock_timestamp())::float8 * 1000 as time";

/** Follows the database's clock, and logs when the machine's clock becomes wrong and right again. */
export class ClockWatch {
  private readonly em: EntityManager;
  private readonly logger: Pick<Logger, "error" | "info">;
  private timer: NodeJS.Timeout | undefined;
  private measuring = false;
  private isWrong = false;

  constructor(em: EntityManager, logger: Pick<Logger, "error" | "info">) {
    this.em = em;
    this.logger = logger;
  }

  async start(): Promise<void> {
    await this.measure();
    this.watch();
    this.timer = setInterval(() => {
      if (clock.age() > longestAge && !this.measuring) void this.measure().catch(() => {});
      this.watch();
    }, watchTime).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async measure(): Promise<void> {
    this.measuring = true;
    try {
      const sentAt = performance.now();
      const [row] = await this.em.fork().execute<[{ time: number }]>(databaseTime);
      clock.measure(row.time, sentAt);
    } finally {
      this.measuring = false;
    }
  }

  private watch(): void {
    try {
      clock.check();
      if (this.isWrong) this.logger.info("the clock of this machine is right again");
      this.isWrong = false;
    } catch (error) {
      if (!this.isWrong) this.logger.error(`${(error as Error).message}; not ready until then`);
      this.isWrong = true;
    }
  }
}
