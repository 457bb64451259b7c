import type { EntityManager } from "@mikro-orm/postgresql";
import { Client } from "pg";
import type { Logger } from "pino";
import { runInBackground } from "../timing/background-work.ts";
import { within } from "../timing/time-limit.ts";
import { sharesSession } from "./connection-setup.ts";
import { ListenerBeat } from "./listener-beat.ts";

/** What a feature does with the notifications of one channel. */
export interface Subscription {
  /** The channel, as in `pg_notify(channel, payload)`. */
  channel: string;
  notified(payload: string): void;
  /** The connection is up, for the first time or again: notifications sent meanwhile are lost. */
  connected?(): void;
  /** The connection is lost: no notification arrives until `connected`. */
  disconnected?(): void;
}

/** Milliseconds. */
const firstRetry = 100;
const slowestRetry = 5_000;
const longestFarewell = 1_000;

/** Until the next check for a pooler. */
const poolerRetry = 600_000;

/** A dead peer that does not close is found out by TCP, not by us: probes begin after this much silence. */
const keepAliveAfter = 10_000;

/**
 * The notifications of other replicas (LISTEN/NOTIFY), on a connection of its own. A lost connection is opened anew;
 * subscribers must not rely on notifications alone.
 */
export class Notifications {
  private readonly databaseUrl: string;
  private readonly em: EntityManager;
  private readonly logger: Pick<Logger, "warn" | "info">;
  private readonly beats: ListenerBeat;
  private readonly subscriptions: Subscription[];
  private client: Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private delay = firstRetry;
  private closed = false;

  /** @param em sends the heartbeats by which the process checks its listening connection */
  constructor(databaseUrl: string, em: EntityManager, logger: Pick<Logger, "warn" | "info">) {
    this.databaseUrl = databaseUrl;
    this.em = em;
    this.logger = logger;
    this.beats = new ListenerBeat(em, () => this.doubt(), logger);
    this.subscriptions = [this.beats];
  }

  /** Whether notifications arrive, except for the last two seconds at most. @param now by `performance.now()` */
  isHeard(now: number): boolean {
    return this.beats.isHeard(now);
  }

  /** Resolves once all earlier notifications have arrived, or with false after two seconds. */
  caughtUp(): Promise<boolean> {
    return this.beats.beat();
  }

  subscribe(subscription: Subscription): void {
    this.subscriptions.push(subscription);
  }

  /** Resolves after the first try; a database that does not answer is tried again later. */
  async start(): Promise<void> {
    if (this.closed) return;
    this.beats.start();
    const client = new Client({
      connectionString: this.databaseUrl,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfter,
      application_name: "gatehouse listener",
    });
    this.client = client;
    client.on("notification", ({ channel, payload = "" }) => {
      if (this.client !== client) return;
      for (const subscription of this.subscriptions)
        if (subscription.channel === channel) subscription.notified(payload);
    });
    client.on("error", (error) => this.lost(client, error));
    client.on("end", () => this.lost(client));
    try {
      await client.connect();
      if (await sharesSession(client, this.em)) return this.doWithout(client);
      for (const channel of new Set(this.subscriptions.map((subscription) => subscription.channel)))
        await client.query(`listen ${client.escapeIdentifier(channel)}`);
    } catch (error) {
      return this.lost(client, error);
    }
    this.delay = firstRetry;
    if (this.closed) return;
    for (const subscription of this.subscriptions) subscription.connected?.();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    this.beats.close();
    // A dead connection does not say that it has ended.
    await within(longestFarewell, this.client?.end() ?? Promise.resolve()).catch(() => {});
  }

  /** A transaction pooler may give the listening session to another client at any moment. */
  private doWithout(client: Client): void {
    this.client = undefined;
    client.end().catch(() => {});
    this.logger.info(
      "DATABASE_URL leads to a connection pooler, which does not support LISTEN: each request reads its session from the database",
    );
    if (!this.closed) this.retry = setTimeout(() => void this.start(), poolerRetry).unref();
  }

  /** Notifications do not arrive: opens the connection anew. */
  private doubt(): void {
    if (this.client) this.lost(this.client, new Error("no notification arrives on it"));
  }

  private lost(client: Client, error?: unknown): void {
    if (this.closed || this.client !== client) return;
    this.client = undefined;
    client.end().catch(() => {});
    this.logger.warn({ err: error }, "the connection that listens for other replicas is lost: trying again");
    for (const subscription of this.subscriptions) subscription.disconnected?.();
    const restart = () =>
      void runInBackground("listening for other replicas", () => this.start(), this.logger);
    this.retry = setTimeout(restart, this.delay).unref();
    this.delay = Math.min(this.delay * 2, slowestRetry);
  }
}
