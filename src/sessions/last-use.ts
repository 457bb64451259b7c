import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import { repeatInBackground } from "../timing/background-work.ts";

/** Sessions that may wait to be written; beyond that, a session is noted when it is used after the next write. */
const mostNoted = 50_000;

/** Written at once. */
const batchSize = 1_000;

// What is locked is being refreshed or ended, or written by another replica; waiting for it could end in a deadlock.
const touch = `
  with used as (
    select s.id, u.at
    from (
      select id, now() - make_interval(secs => age) as at from unnest(cast(:ids as uuid[]), cast(:ages as float8[])) as n (id, age)
    ) u join sessions s on s.id = u.id
    where s.revoked_at is null and s.last_used_at < u.at - make_interval(secs => :granularity)
    for no key update of s skip locked
  )
  update sessions s
  set last_used_at = used.at, expires_at = least(s.refresh_expires_at, used.at + make_interval(secs => :idleTtl))
  from used where s.id = used.id`;

/** Keeps when sessions were last used, and with it when they end unused, without a write per request. */
export class LastUse {
  /** Seconds after which a use is worth writing. */
  readonly granularity: number;
  /** Seconds. */
  private readonly writtenEvery: number;
  private readonly em: EntityManager;
  private readonly idleTtl: number;
  private readonly logger: Pick<Logger, "warn">;
  /** Session id -> when, on this process's steady clock: the database's clock may be another. */
  private noted = new Map<string, number>();
  private writing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param idleTtl seconds */
  constructor(em: EntityManager, idleTtl: number, logger: Pick<Logger, "warn">) {
    this.em = em;
    this.idleTtl = idleTtl;
    // Together a minute, by which what is stored may lag behind.
    this.writtenEvery = Math.min(60, idleTtl / 4) / 12;
    this.granularity = this.writtenEvery * 11;
    this.logger = logger;
  }

  start(): void {
    this.timer = repeatInBackground(
      "writing when sessions were last used",
      this.writtenEvery * 1000,
      () => this.flush(),
      this.logger,
    );
  }

  /** Writes what is noted. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    await this.flush();
  }

  /** @returns false when too many wait to be written */
  note(sessionId: string): boolean {
    if (this.noted.size >= mostNoted && !this.noted.has(sessionId)) return false;
    this.noted.set(sessionId, performance.now());
    return true;
  }

  /** What cannot be written is kept for the next time. */
  flush(): Promise<void> {
    this.writing ??= this.write().finally(() => (this.writing = undefined));
    return this.writing;
  }

  private async write(): Promise<void> {
    const { idleTtl, granularity } = this;
    while (this.noted.size > 0) {
      const batch = [...this.noted].slice(0, batchSize);
      const ids = `{${batch.map(([id]) => id).join()}}`;
      const ages = `{${batch.map(([, at]) => (performance.now() - at) / 1000).join()}}`;
      try {
        await this.em.fork().execute(touch, { ids, ages, granularity, idleTtl });
      } catch (error) {
        this.logger.warn({ err: error }, "when sessions were last used cannot be written: trying again");
        return;
      }
      for (const [id, at] of batch) if (this.noted.get(id) === at) this.noted.delete(id);
    }
  }
}
