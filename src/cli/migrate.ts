import { Command } from "commander";
import type { NameCollision } from "../accounts/names/name-key-repair.ts";
import type { Orm } from "../persistence/orm.ts";
import { printable } from "../security/printable-text.ts";
import { withDatabase } from "./with-app.ts";

type Migrations = typeof import("../persistence/migrations.ts");

const withMigrations = (command: (orm: Orm, migrations: Migrations) => Promise<void>) =>
  withDatabase(async ({ orm }) => command(orm, await import("../persistence/migrations.ts")), {
    migrated: false,
  });

/** Names are what people typed, so they stand in quotes without control characters. */
function lineOf({ column, id, name, otherId, otherName }: NameCollision): string {
  const [own, other] = [name, otherName].map((text) => printable(JSON.stringify(text)));
  return `${column} ${own} of account ${id} is that of account ${otherId}, ${other}: only its exact spelling signs in`;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

export function migrateCommand(): Command {
  const migrate = new Command("migrate").description("bring the database up to date, or say how it stands");
  migrate
    .command("up")
    .description("apply every pending migration; safe to run on several machines at once")
    .action(() =>
      withMigrations(async (orm, { migrateUp }) => {
        const names = await migrateUp(orm);
        print(names.length > 0 ? names.map((name) => `applied ${name}`).join("\n") : "nothing to apply");
        const { repairNameKeys } = await import("../accounts/names/name-key-repair.ts");
        for (const collision of await repairNameKeys(orm.em)) print(lineOf(collision));
      }),
    );
  migrate
    .command("down")
    .description("take back the last migration, with the data it holds")
    .action(() =>
      withMigrations(async (orm, { migrateDown }) => {
        const names = await migrateDown(orm);
        print(
          names.length > 0 ? names.map((name) => `took back ${name}`).join("\n") : "nothing to take back",
        );
      }),
    );
  migrate
    .command("status")
    .description("list the migrations: applied, pending, or of a newer release")
    .action(() =>
      withMigrations(async (orm, { appliedMigrations, ownMigrations, pendingMigrations }) => {
        const own = await ownMigrations();
        for (const { name, at } of await appliedMigrations(orm))
          print(`${own.includes(name) ? "applied" : "newer  "}  ${name}  ${new Date(at).toISOString()}`);
        for (const name of await pendingMigrations(orm)) print(`pending  ${name}`);
      }),
    );
  migrate
    .command("check")
    .description("fail when the database is not what the migrations make and the entities say")
    .action(() =>
      withMigrations(
        async (orm, { objectDifferences, PendingMigrations, pendingMigrations, schemaDifference }) => {
          const pending = await pendingMigrations(orm);
          if (pending.length > 0) throw new PendingMigrations(pending);
          const differences = await objectDifferences(orm);
          if (differences.length > 0)
            throw new Error(`The database is not what its migrations make:\n${differences.join("\n")}`);
          const difference = (await schemaDifference(orm)).trim();
          if (difference !== "") throw new Error(`Entities and migrations disagree:\n${difference}`);
          print("entities and migrations agree");
        },
      ),
    );
  return migrate;
}
