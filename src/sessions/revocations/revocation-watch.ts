import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import { repeatInBackground, runInBackground } from "../../timing/background-work.ts";
import { NoticeReader } from "../../database/notice-reader.ts";
import { within } from "../../timing/time-limit.ts";
import { RevocationList } from "./revocation-list.ts";
import type { Revocation } from "./revocation-list.ts";

/** Who passes on what the watch sees. */
export interface RevocationListener {
  /** These are new to the list. */
  revoked(revocations: Revocation[]): void;
  /** The list was read again after a time in which nothing was heard. */
  reloaded(): void;
  /** Some seconds have passed in which nothing can have been missed. */
  alive(): void;
}

/** Milliseconds between two heartbeats, and between two reads of the table. */
const beatTime = 5_000;

/**
 * Seconds of revocations that a read of the table covers while all seems well: a connection that has died unnoticed, and some
 * connection poolers, swallow notifications. A transaction that ends sessions may take most of that to commit.
 */
const recently = 120;

/** The same for a read that a notice causes, beyond the time since the last read: later commits wait for the next beat. */
const overlap = 2;

/** Milliseconds. */
const longestRead = 5_000;

/** Milliseconds for which a list counts as current after a read of the table: the listening connection may have died unnoticed. */
const patience = 15_000;

const recentlyRevoked = `
  select 'sid' as kind, session_id::text as id, null::float8 as before,
    extract(epoch from now() - revoked_at)::float8 as age
  from session_revocations where listed and revoked_at > now() - make_interval(secs => :span)
  union all
  select case subject when 'all' then 'all' else 'sub' end, subject, extract(epoch from issued_before)::float8,
    extract(epoch from now() - revoked_at)::float8
  from token_revocations where revoked_at > now() - make_interval(secs => :span)`;

/**
 * Keeps the list of revocations in step with the database, whichever replica or operator made them. Notices cause a read of
 * the table at once. Without notices it is read every few seconds, and read in full at the start and after every gap.
 */
export class RevocationWatch {
  /** What the database's triggers notify. Nothing is taken from the payload: any role may have sent it. */
  readonly channel = "gatehouse_session_ended";
  readonly list: RevocationList;
  private readonly em: EntityManager;
  private readonly logger: Pick<Logger, "warn">;
  private readonly listeners: RevocationListener[] = [];
  private readonly notices = new NoticeReader(() => this.read(overlap));
  private beats: NodeJS.Timeout | undefined;
  private listening = false;
  /** Whether something may have been missed since the list was last read. */
  private gap = true;
  /** When the last successful read began. */
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;

  /** @param accessTokenTtl seconds */
  constructor(em: EntityManager, accessTokenTtl: number, logger: Pick<Logger, "warn">) {
    this.em = em;
    this.list = new RevocationList(accessTokenTtl);
    this.logger = logger;
  }

  listen(listener: RevocationListener): void {
    this.listeners.push(listener);
  }

  /** False while revocations may be missing from the list. */
  get isCurrent(): boolean {
    return performance.now() - this.readAt < patience;
  }

  /** Resolves when the table has been read, or could not be. */
  async start(): Promise<void> {
    this.beats = repeatInBackground(
      "the watch for revoked sessions",
      beatTime,
      () => this.beat(),
      this.logger,
    );
    await (this.reading ?? this.read(recently));
  }

  async close(): Promise<void> {
    clearInterval(this.beats);
    this.notices.close();
    await this.reading;
  }

  connected(): void {
    this.listening = true;
    void this.read(recently);
  }

  disconnected(): void {
    this.listening = false;
    this.gap = true;
    void this.read(recently);
  }

  notified(): void {
    this.notices.notified();
  }

  private beat(): void {
    this.list.prune();
    if (this.reading === undefined) void this.read(recently);
    if (this.isCurrent) for (const listener of this.listeners) listener.alive();
  }

  /** One after the other: the next read finds what was committed after this one began. */
  private async read(seconds: number): Promise<boolean> {
    let foundAny = false;
    const readTable = async () => {
      foundAny = await this.readTable(seconds);
    };
    const reading = (this.reading ?? Promise.resolve()).then(() =>
      runInBackground("reading the revoked sessions", readTable, this.logger),
    );
    this.reading = reading;
    await reading;
    if (this.reading === reading) this.reading = undefined;
    return foundAny;
  }

  /** @param seconds to cover beyond the last read @returns whether the list has grown */
  private async readTable(seconds: number): Promise<boolean> {
    const { listening } = this;
    const readAt = performance.now();
    const sinceLastRead = (readAt - this.readAt) / 1000;
    const span = this.gap ? this.list.span : Math.min(sinceLastRead + seconds, this.list.span);
    let rows: (Revocation & { age: number })[];
    try {
      rows = await within(longestRead, this.em.fork().execute(recentlyRevoked, { span }));
    } catch (error) {
      this.logger.warn({ err: error }, "the revoked sessions cannot be read: trying again");
      return false;
    }
    this.readAt = readAt;
    const added = rows.filter(({ kind, id, before, age }) => this.list.add({ kind, id, before }, age));
    const afterGap = this.gap && listening && this.listening;
    if (afterGap) this.gap = false;
    for (const listener of this.listeners)
      if (afterGap) listener.reloaded();
      else if (added.length > 0) listener.revoked(added);
    return added.length > 0;
  }
}
