import { Command } from "commander";
import { accountEvents, serviceEvents } from "../events/event-type.ts";
import type { EventOutcome, EventType } from "../events/event-type.ts";
import type { EventListing } from "./event-listing.ts";
import { ipAddress, moment, oneOf, uuid, wholeNumber } from "./option-values.ts";
import { withDatabase } from "./with-app.ts";

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
    .action(async (options: EventListing) => {
      const { listEvents } = await import("./event-listing.ts");
      await withDatabase(({ orm }) => listEvents(orm, options));
    });
}
