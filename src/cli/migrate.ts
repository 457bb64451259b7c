import { Command } from "commander";
import { migrateDown, migrateOnStart, migrateUp, schemaDifference } from "../persistence/migrations.ts";
import type { App } from "../app.ts";
import { withApp } from "./with-app.ts";

const withOrm = (command: (orm: App["orm"]) => Promise<void>) =>
  withApp(({ orm }) => command(orm), { migrated: false });

const print = (line: string) => process.stdout.write(`${line}\n`);

export function migrateCommand(): Command {
  const migrate = new Command("migrate").description("bring the database up to date, or say how it stands");
  migrate
    .command("up")
    .description("apply every pending migration; safe to run on several machines at once")
    .action(() =>
      withOrm(async (orm) => {
        const names = await migrateUp(orm);
        print(names.length > 0 ? names.map((name) => `applied ${name}`).join("\n") : "nothing to apply");
      }),
    );
  migrate
    .command("down")
    .description("take back the last migration, with the data it holds")
    .action(() =>
      withOrm(async (orm) => {
        const names = await migrateDown(orm);
        print(
          names.length > 0 ? names.map((name) => `took back ${name}`).join("\n") : "nothing to take back",
        );
      }),
    );
  migrate
    .command("status")
    .description("list the migrations, applied and pending")
    .action(() =>
      withOrm(async (orm) => {
        for (const { name, executed_at: at } of await orm.migrator.getExecuted())
          print(`applied  ${name}  ${new Date(at).toISOString()}`);
        for (const { name } of await orm.migrator.getPending()) print(`pending  ${name}`);
      }),
    );
  migrate
    .command("check")
    .description("fail when the migrated database is not what the entities say")
    .action(() =>
      withOrm(async (orm) => {
        await migrateOnStart(orm, false);
        const difference = (await schemaDifference(orm)).trim();
        if (difference !== "") throw new Error(`Entities and migrations disagree:\n${difference}`);
        print("entities and migrations agree");
      }),
    );
  return migrate;
}
