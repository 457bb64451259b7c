import { Command } from "commander";
import { setTimeout as pause } from "node:timers/promises";
import type { App } from "../app.ts";
import { newestEvents, userIdOf } from "../events/event-search.ts";
import type { EventFilter, FoundEvent } from "../events/event-search.ts";
import { EventTail } from "../events/event-tail.ts";
import { accountEvents, serviceEvents } from "../events/event-type.ts";
import type { EventOutcome, EventType } from "../events/event-type.ts";
import { jsonLine, textLine } from "./event-line.ts";
import { ipAddress, moment, oneOf, uuid, wholeNumber } from "./option-values.ts";
import { withApp } from "./with-app.ts";

interface Options {
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

const meanings = { ...accountEvents, ...serviceEvents };
const types = Object.keys(meanings) as EventType[];

export function eventsCommand(): Command {
  return new Command("events")
    .description("what happened to accounts, sessions and keys: the newest events, the newest last")
    .option("--user <name>", "of one account, by id, email or username; of a deleted one by id")
    .option("--session <id>", "of one session", uuid)
    .option("--type <type>", "of one type, see below", oneOf(types))
    .option("--outcome <outcome>", "success or failure", oneOf<EventOutcome>(["success", "failure"]))
    .option("--ip <address>", "from one address", ipAddress)
    .option("--since <time>", "from then on: 2026-01-31T12:00Z, or so long ago: 15m, 2h, 7d", moment)
    .option("--until <time>", "before then", moment)
    .option("--limit <count>", "how many at most, to begin with", wholeNumber(10_000), 50)
    .option("--follow", "go on with those that come, from every replica, until Ctrl-C")
    .option("--json", "a JSON object on each line")
    .addHelpText(
      "after",
      `\nTypes:\n${types.map((type) => `  ${type.padEnd(22)}${meanings[type]}`).join("\n")}`,
    )
    .action((options: Options) => withApp(({ orm }) => list(orm, options)));
}

async function list(orm: App["orm"], options: Options): Promise<void> {
  const { user, session: sessionId, limit, follow, json, ...rest } = options;
  const em = orm.em.fork();
  const userId = user === undefined ? undefined : await userIdOf(em, user);
  const filter: EventFilter = { ...rest, userId, sessionId };

  const stop = new AbortController();
  // Who reads, such as `head`, may have enough.
  process.stdout.on("error", () => stop.abort());
  const print = (events: FoundEvent[]) => {
    for (const event of events) process.stdout.write(`${json ? jsonLine(event) : textLine(event)}\n`);
  };
  if (!follow) return print(await newestEvents(em, filter, limit));

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
  const tail = new EventTail(orm.em, filter);
  print(await tail.first(limit));
  let trouble: string | undefined;
  while (!stop.signal.aborted) {
    await pause(pollInterval, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) break;
    try {
      print(await tail.next());
      trouble = undefined;
    } catch (error) {
      // An outage of the database is no reason to go: what happens meanwhile is shown afterwards.
      const reason = error instanceof Error ? error.message.split("\n", 1)[0] : "failed";
      if (reason !== trouble) process.stderr.write(`gatehouse: ${reason}: trying again\n`);
      trouble = reason;
    }
  }
}
