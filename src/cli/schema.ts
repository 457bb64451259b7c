import { Command } from "commander";
import { readFile, writeFile } from "node:fs/promises";

const file = "schema.graphql";

export function schemaCommand(): Command {
  return new Command("schema")
    .description(`write ${file}, sorted; needs no database`)
    .option("--check", `change nothing, fail when ${file} is out of step`)
    .action(async ({ check }: { check?: boolean }) => {
      const { printSubgraph } = await import("../federation/subgraph-sdl.ts");
      const { buildGatehouseSchema } = await import("../schema.ts");
      const text = printSubgraph(buildGatehouseSchema());
      if (!check) return writeFile(file, text);
      const present = await readFile(file, "utf8").catch(() => "");
      if (present !== text) throw new Error(`${file} is out of step: run \`npm run schema\` and commit it.`);
    });
}
