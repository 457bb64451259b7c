import type { EntityManager } from "@mikro-orm/postgresql";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";

/** Any number will do, as long as every gateway takes the same. */
const removalLock = 7_220_418_037;

/** Few enough that nobody waits for them. */
const batchSize = 500;

/** Milliseconds, more or less, so that replicas do not all come at once. */
const pause = 60_000;

/** Seconds for which what has ended before its refresh token stays, for whoever wants to know what happened. */
const keepEnded = 86_400;

/** Seconds for which a revocation stays in the table after it is of use to nobody: clocks differ. */
const keepRevocations = 600;

// What is locked is left for the next time.
const removals = [
  `delete from sessions where id = any(array(
     select id from sessions where refresh_expires_at <= now()
     order by refresh_expires_at limit :batchSize for update skip locked))`,
  `delete from sessions where id = any(array(
     select id from sessions where expires_at < now() - make_interval(secs => :accessTokenTtl + :keepEnded)
     order by expires_at limit :batchSize for update skip locked))`,
  `delete from sessions where id = any(array(
     select id from sessions where revoked_at < now() - make_interval(secs => :accessTokenTtl + :keepEnded)
     order by revoked_at limit :batchSize for update skip locked))`,
  `delete from session_revocations where session_id = any(array(
     select session_id from session_revocations
     where revoked_at < now() - make_interval(secs => :accessTokenTtl + :keepRevocations)
     order by revoked_at limit :batchSize for update skip locked))`,
  `delete from attempts where key = any(array(
     select key from attempts where expire <= extract(epoch from now()) * 1000
     order by expire limit :batchSize for update skip locked))`,
];

/** Removes sessions, and counts of attempts, that are of no more use, in the background, by one replica at a time. */
export class SessionRemoval {
  private readonly em: EntityManager;
  private readonly accessTokenTtl: number;
  private readonly logger: Pick<Logger, "warn">;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private closed = false;

  /** @param accessTokenTtl seconds */
  constructor(em: EntityManager, accessTokenTtl: number, logger: Pick<Logger, "warn">) {
    this.em = em;
    this.accessTokenTtl = accessTokenTtl;
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
    const { accessTokenTtl } = this;
    return this.em.fork().transactional(async (em) => {
      const [lock] = await em.execute<[{ taken: boolean }]>("select pg_try_advisory_xact_lock(?) as taken", [
        removalLock,
      ]);
      let more = false;
      if (lock.taken)
        for (const removal of removals) {
          const values = { accessTokenTtl, batchSize, keepEnded, keepRevocations };
          const { affectedRows } = await em.execute<{ affectedRows: number }>(removal, values, "run");
          more ||= affectedRows === batchSize;
        }
      return more;
    });
  }

  private async removeAll(): Promise<void> {
    try {
      while (!this.closed && (await this.removeBatch())) await nextTurn();
    } catch (error) {
      this.logger.warn(
        { err: error },
        "ended sessions and counts of attempts cannot be removed: trying again later",
      );
    }
  }
}
