import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import { repeatInBackground, runInBackground } from "../background-work.ts";
import { within } from "../time-limit.ts";
import { RevokedSessions } from "./revoked-sessions.ts";
import { isUuid } from "../security/uuid.ts";

/** Who passes on what the watch sees. */
export interface RevocationListener {
  /** These ended just now. */
  revoked(ids: string[]): void;
  /** The list was read again after a time in which nothing was heard. */
  reloaded(): void;
  /** Some seconds have passed in which nothing can have been missed. */
  alive(): void;
}

/** Milliseconds over which ends are gathered, so that a storm of sign-outs is passed on ten times a second at most. */
const batchTime = 100;

/** Milliseconds between two signs of life, and between two looks at the table. */
const beatTime = 5_000;

/**
 * Seconds of which a look at the table learns while all seems well: a connection that has died unnoticed, and some
 * connection poolers, swallow notifications. A transaction that ends sessions may take most of that to commit.
 */
const recently = 120;

/** Milliseconds. */
const longestLook = 5_000;

/** Milliseconds for which a list is taken for current after a look at the table; what listens may be dead and not know. */
const patience = 15_000;

const recentlyRevoked = `
  select session_id as id, extract(epoch from now() - revoked_at)::float8 as age
  from session_revocations where revoked_at > now() - make_interval(secs => ?)`;

/**
 * Keeps the list of revoked sessions in step with the database, whichever replica or hand ended them: notifications do so
 * at once, a look at the table every few seconds, and at all of it at the start and after every gap.
 */
export class RevocationWatch {
  /** What the database's triggers notify; the payload is the id. */
  readonly channel = "gatehouse_session_ended";
  readonly list: RevokedSessions;
  private readonly em: EntityManager;
  private readonly logger: Pick<Logger, "warn">;
  private readonly listeners: RevocationListener[] = [];
  private fresh = new Set<string>();
  private batch: NodeJS.Timeout | undefined;
  private beats: NodeJS.Timeout | undefined;
  private listening = false;
  /** Whether something may have been missed since the list was last read. */
  private gap = true;
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;

  /** @param accessTokenTtl seconds */
  constructor(em: EntityManager, accessTokenTtl: number, logger: Pick<Logger, "warn">) {
    this.em = em;
    this.list = new RevokedSessions(accessTokenTtl);
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
    await (this.reading ?? this.read());
  }

  async close(): Promise<void> {
    clearInterval(this.beats);
    clearTimeout(this.batch);
    await this.reading;
  }

  connected(): void {
    this.listening = true;
    void this.read();
  }

  disconnected(): void {
    this.listening = false;
    this.gap = true;
    void this.read();
  }

  /** @param payload whatever a role of the database may have sent */
  notified(payload: string): void {
    if (!isUuid(payload)) return;
    this.fresh.add(payload);
    const passOn = () =>
      void runInBackground("telling of revoked sessions", () => this.passOnFresh(), this.logger);
    this.batch ??= setTimeout(passOn, batchTime).unref();
  }

  private passOnFresh(): void {
    this.batch = undefined;
    const added = [...this.fresh].filter((id) => this.list.add(id, 0));
    this.fresh.clear();
    if (added.length > 0) for (const listener of this.listeners) listener.revoked(added);
  }

  private beat(): void {
    this.list.prune();
    if (this.reading === undefined) void this.read();
    if (this.isCurrent) for (const listener of this.listeners) listener.alive();
  }

  /** One after the other: what was committed after a look began is for the next one to find. */
  private async read(): Promise<void> {
    const reading = (this.reading ?? Promise.resolve()).then(() =>
      runInBackground("reading the revoked sessions", () => this.readTable(), this.logger),
    );
    this.reading = reading;
    await reading;
    if (this.reading === reading) this.reading = undefined;
  }

  private async readTable(): Promise<void> {
    const { listening } = this;
    let rows: { id: string; age: number }[];
    try {
      const span = this.gap ? this.list.span : Math.min(recently, this.list.span);
      rows = await within(longestLook, this.em.fork().execute(recentlyRevoked, [span]));
    } catch (error) {
      this.logger.warn({ err: error }, "the revoked sessions cannot be read: trying again");
      return;
    }
    this.readAt = performance.now();
    const added = rows.filter(({ id, age }) => this.list.add(id, age)).map(({ id }) => id);
    const afterGap = this.gap && listening && this.listening;
    if (afterGap) this.gap = false;
    for (const listener of this.listeners)
      if (afterGap) listener.reloaded();
      else if (added.length > 0) listener.revoked(added);
  }
}
