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
  /** Names the step in the log. */
  name: string;
  sql: string;
  values: Record<string, number>;
}

/** Removes rows that are no longer needed, in the background, in one replica at a time. */
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

  /** Runs each step once; a step that fails is logged and stops no other. @returns whether more rows may be left */
  async removeBatch(): Promise<boolean> {
    let more = false;
    for (const step of this.steps) {
      const removed = await this.run(step).catch((error: unknown) => {
        this.logger.warn({ err: error, job: step.name }, "a clean-up job failed; it runs again in a minute");
        return 0;
      });
      more ||= removed === batchSize;
    }
    return more;
  }

  /** @returns the number of rows removed; 0 while another replica removes */
  private run({ sql, values }: RemovalStep): Promise<number> {
    return this.em.fork().transactional(async (em) => {
      const [lock] = await em.execute<[{ taken: boolean }]>("select pg_try_advisory_xact_lock(?) as taken", [
        removalLock,
      ]);
      if (!lock.taken) return 0;
      const limited = { ...values, batchSize };
      // oxlint-disable-next-line gatehouse/no-raw-sql -- each is a constant of the feature that it belongs to
      const { affectedRows } = await em.execute<{ affectedRows: number }>(sql, limited, "run");
      return affectedRows;
    });
  }

  private async removeAll(): Promise<void> {
    while (!this.closed && (await this.removeBatch())) await nextTurn();
  }
}
