import { Command } from "commander";
import { readFile, writeFile } from "node:fs/promises";
import { printSubgraph } from "../federation/subgraph-sdl.ts";
import { buildGatehouseSchema } from "../schema.ts";

const file = "schema.graphql";

export function schemaCommand(): Command {
  return new Command("schema")
    .description(`write ${file}, sorted; needs no database`)
    .option("--check", `change nothing, fail when ${file} is out of step`)
    .action(async ({ check }: { check?: boolean }) => {
      const text = printSubgraph(buildGatehouseSchema());
      if (!check) return writeFile(file, text);
      const present = await readFile(file, "utf8").catch(() => "");
      if (present !== text) throw new Error(`${file} is out of step: run \`npm run schema\` and commit it.`);
    });
}
