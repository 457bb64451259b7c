import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { newestEvents, userIdOf } from "../events/event-search.ts";
import type { EventFilter, FoundEvent } from "../events/event-search.ts";
import { EventTail } from "../events/event-tail.ts";
import type { EventOutcome, EventType } from "../events/event-type.ts";
import type { Orm } from "../persistence/orm.ts";
import { jsonLine, textLine } from "./event-line.ts";

/** The options of `gatehouse events`. */
export interface EventListing {
  user?: string;
  session?: string;
  type?: EventType;
  outcome?: EventOutcome;
  ip?: string;
  since?: Date;
  until?: Date;
  limit: number;
  follow?: true;
  json?: true;
}

/** Milliseconds between two looks. */
const pollInterval = 500;

/** Prints those that are there, and with `follow` those that come. */
export async function listEvents(orm: Orm, options: EventListing): Promise<void> {
  const { user, session: sessionId, limit, follow, json, ...rest } = options;
  const em = orm.em.fork();
  const userId = user === undefined ? undefined : await userIdOf(em, user);
  const filter: EventFilter = { ...rest, userId, sessionId };

  const stop = new AbortController();
  // Who reads, such as `head`, may have enough.
  process.stdout.on("error", () => stop.abort());
  /** Resolves when there is room for more. */
  const print = async (events: FoundEvent[]) => {
    const lines = events.map((event) => `${json ? jsonLine(event) : textLine(event)}\n`);
    if (!process.stdout.write(lines.join("")))
      await once(process.stdout, "drain", { signal: stop.signal }).catch(() => {});
  };
  if (!follow) return print(await newestEvents(em, filter, limit));

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
  const tail = new EventTail(orm.em, filter);
  await print(await tail.first(limit));
  let trouble: string | undefined;
  while (!stop.signal.aborted) {
    await pause(pollInterval, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) break;
    try {
      await print(await tail.next());
      trouble = undefined;
    } catch (error) {
      // An outage of the database is no reason to go: what happens meanwhile is shown afterwards.
      const reason = error instanceof Error ? error.message.split("\n", 1)[0] : "failed";
      if (reason !== trouble) process.stderr.write(`gatehouse: ${reason}: trying again\n`);
      trouble = reason;
    }
  }
  // Unread output does not keep the process alive.
  setTimeout(() => process.exit(), 2_000).unref();
}
