import type { EntityManager } from "@mikro-orm/postgresql";
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { repeatInBackground, runInBackground } from "../timing/background-work.ts";
import { within } from "../timing/time-limit.ts";
import type { Subscription } from "./notifications.ts";

/** Milliseconds. */
const beatTime = 1_000;

/** Milliseconds after a received heartbeat for which no notification can have been lost unnoticed. */
const longestSilence = 2_000;

/** Milliseconds of silence after which the listening connection is opened anew, at first and at last. */
const firstPatience = 10_000;
const lastPatience = 600_000;

const notify = "select pg_notify(?, ?)";

/**
 * Checks by heartbeats whether notifications arrive on the listening connection. They do not on one that has died
 * unnoticed or that goes through a pooler that drops LISTEN; so the process notifies itself on its other connections.
 */
export class ListenerBeat implements Subscription {
  /** Known to this process only. */
  readonly channel = `gatehouse_beat_${randomUUID()}`;
  private readonly em: EntityManager;
  private readonly doubt: () => void;
  private readonly logger: Pick<Logger, "warn">;
  /** By payload: settles a heartbeat as received or lost. */
  private readonly awaited = new Map<string, (isHeard: boolean) => void>();
  private certainUntil = -Infinity;
  private connectedAt: number | undefined;
  private patience = firstPatience;
  private beats = 0;
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> | undefined;
  private sending: Promise<unknown> | undefined;

  /** @param doubt opens the listening connection anew */
  constructor(em: EntityManager, doubt: () => void, logger: Pick<Logger, "warn">) {
    this.em = em;
    this.logger = logger;
    this.doubt = doubt;
  }

  /** @param now by `performance.now()` */
  isHeard(now: number): boolean {
    return now < this.certainUntil;
  }

  start(): void {
    this.timer ??= repeatInBackground(
      "the listening connection's beat",
      beatTime,
      () => this.takeTurn(),
      this.logger,
    );
  }

  close(): void {
    clearInterval(this.timer);
    this.disconnected();
  }

  connected(): void {
    this.connectedAt = performance.now();
    const takeNextTurn = () => (this.turn ?? Promise.resolve()).then(() => this.takeTurn());
    void runInBackground("the listening connection's beat", takeNextTurn, this.logger);
  }

  disconnected(): void {
    this.connectedAt = undefined;
    this.certainUntil = -Infinity;
    for (const settle of this.awaited.values()) settle(false);
  }

  notified(payload: string): void {
    this.awaited.get(payload)?.(true);
  }

  /** Resolves with whether it was received; if so, all earlier notifications were, too. */
  async beat(): Promise<boolean> {
    const payload = String(++this.beats);
    const sentAt = performance.now();
    const heard = new Promise<boolean>((resolve) => {
      this.awaited.set(payload, (isHeard) => {
        // Before LISTEN has run for all channels, one heartbeat proves nothing about the others.
        const counts = isHeard && this.connectedAt !== undefined && sentAt >= this.connectedAt;
        if (counts) this.certainUntil = Math.max(this.certainUntil, sentAt + longestSilence);
        resolve(counts);
      });
    });
    const sent = this.em.fork().execute(notify, [this.channel, payload]);
    this.sending = sent.catch(() => {});
    return within(
      longestSilence,
      sent.then(() => heard),
    )
      .catch(() => false)
      .finally(() => this.awaited.delete(payload));
  }

  /** One at a time, however long the database takes. */
  private takeTurn(): Promise<void> {
    if (this.connectedAt === undefined) return Promise.resolve();
    return (this.turn ??= this.beat()
      .then((heard) => this.judge(heard))
      .then(async () => void (await this.sending))
      .finally(() => (this.turn = undefined)));
  }

  /** Reopens the connection only after a longer silence. */
  private judge(heard: boolean): void {
    if (heard) this.patience = firstPatience;
    if (heard || this.connectedAt === undefined) return;
    const lastHeard = Math.max(this.connectedAt, this.certainUntil - longestSilence);
    if (performance.now() - lastHeard < this.patience) return;
    this.patience = Math.min(this.patience * 2, lastPatience);
    this.doubt();
  }
}
