import { Command } from "commander";
import { createSuperuserCommand } from "./createsuperuser.ts";
import { eventsCommand } from "./events.ts";
import { fail } from "./failure.ts";
import { keysCommand } from "./keys.ts";
import { migrateCommand } from "./migrate.ts";
import { schemaCommand } from "./schema.ts";
import { serveCommand } from "./serve.ts";
import { shellCommand } from "./shell.ts";

/** The `gatehouse` command. A failure that is foreseen is said in a line, and the exit code is 1. */
export async function run(argv: string[]): Promise<void> {
  const program = new Command("gatehouse")
    .description(
      "A GraphQL authentication gateway on PostgreSQL.\n\nSettings come from the environment or a .env file; " +
        "without DATABASE_URL an embedded PostgreSQL keeps the data under DATA_DIR.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  node bin/gatehouse.js serve             start the API and the IDE on http://127.0.0.1:4000\n" +
        "  node bin/gatehouse.js createsuperuser   make the first account of the staff\n" +
        "  node bin/gatehouse.js migrate status    which migrations the database has",
    )
    .addCommand(serveCommand())
    .addCommand(migrateCommand())
    .addCommand(createSuperuserCommand())
    .addCommand(keysCommand())
    .addCommand(eventsCommand())
    .addCommand(shellCommand())
    .addCommand(schemaCommand());
  try {
    await program.parseAsync(argv);
  } catch (error) {
    fail(error);
  }
}
