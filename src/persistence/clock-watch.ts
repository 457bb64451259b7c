import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import { clock } from "../timing/clock.ts";

/** The time of the database, as a column of any statement: milliseconds since the epoch. */
export const databaseTime = "extract(epoch from clock_timestamp())::float8 * 1000 as database_time";

/** Measures the clock of the database, and tells when the machine's is wrong and when it is right again. */
export class ClockWatch {
  private readonly em: EntityManager;
  private readonly logger: Pick<Logger, "error" | "info">;
  private isWrong = false;

  constructor(em: EntityManager, logger: Pick<Logger, "error" | "info">) {
    this.em = em;
    this.logger = logger;
  }

  /** Asks the database for its time. @throws its error */
  async measure(): Promise<void> {
    const sentAt = performance.now();
    const [row] = await this.em.fork().execute<[{ database_time: number }]>(`select ${databaseTime}`);
    this.take(row.database_time, sentAt);
  }

  /** Takes the time that another statement has told, which was sent at that time by `performance.now()`. */
  take(time: number, sentAt: number): void {
    clock.measure(time, sentAt);
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
