import type { EntityManager } from "@mikro-orm/postgresql";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";

/** Any number will do, as long as every gateway takes the same. */
const removalLock = 7_220_418_037;

/** Few enough that nobody waits for them. */
const batchSize = 500;

/** Milliseconds, more or less, so that replicas do not all come at once. */
const pause = 60_000;

/** Deletes up to `:batchSize` rows, and answers with a row for each where it is no `delete` itself. */
export interface RemovalStep {
  sql: string;
  values: Record<string, number>;
}

/** Removes what is of no more use, in the background, by one replica at a time. */
export class Removal {
  private readonly em: EntityManager;
  private readonly steps: readonly RemovalStep[];
  private readonly logger: Pick<Logger, "warn">;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private closed = false;

  constructor(em: EntityManager, steps: readonly RemovalStep[], logger: Pick<Logger, "warn">) {
    this.em = em;
    this.steps = steps;
    this.logger = logger;
  }

  start(): void {
    this.timer = setTimeout(
      () => {
        this.running = this.removeAll().finally(() => {
          if (!this.closed) this.start();
        });
      },
      pause * (0.5 + Math.random()),
    ).unref();
  }

  /** Waits for the batch that is being removed. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** One batch of each kind. @returns whether there may be more; false while another replica is at it */
  async removeBatch(): Promise<boolean> {
    return this.em.fork().transactional(async (em) => {
      const [lock] = await em.execute<[{ taken: boolean }]>("select pg_try_advisory_xact_lock(?) as taken", [
        removalLock,
      ]);
      let more = false;
      if (lock.taken)
        for (const { sql, values } of this.steps) {
          const removed = { ...values, batchSize };
          // oxlint-disable-next-line gatehouse/no-raw-sql -- each is a constant of the feature that it belongs to
          const { affectedRows } = await em.execute<{ affectedRows: number }>(sql, removed, "run");
          more ||= affectedRows === batchSize;
        }
      return more;
    });
  }

  private async removeAll(): Promise<void> {
    try {
      while (!this.closed && (await this.removeBatch())) await nextTurn();
    } catch (error) {
      this.logger.warn({ err: error }, "what is of no more use cannot be removed: trying again later");
    }
  }
}
