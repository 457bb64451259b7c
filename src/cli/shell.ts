import { Command } from "commander";
import { once } from "node:events";
import { operator } from "./operator.ts";
import { withApp } from "./with-app.ts";

export function shellCommand(): Command {
  return new Command("shell")
    .description("a JavaScript prompt with the services and entities loaded")
    .action(() =>
      withApp(async ({ orm, accounts, sessions, hasher }) => {
        const { User } = await import("../accounts/user.entity.ts");
        const { Session } = await import("../sessions/session.entity.ts");
        const { recordEvents } = await import("../events/event-record.ts");
        await recordEvents(orm.em.fork(), { types: ["SHELL_OPENED"], actor: "operator" }, operator());
        const names = { orm, em: orm.em.fork(), User, Session, accounts, sessions, hasher };
        process.stdout.write(
          `Loaded: ${Object.keys(names).join(", ")}. Try: await em.find(User, {}, { limit: 5 })  (.exit leaves)\n`,
        );
        // Loaded only here: it brings in node:domain, which slows every event of the process down.
        const { start } = await import("node:repl");
        const repl = start({ prompt: "gatehouse> " });
        Object.assign(repl.context, names);
        await once(repl, "exit");
      }),
    );
}
