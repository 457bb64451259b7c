import { Command } from "commander";
import { readFile, writeFile } from "node:fs/promises";

export function schemaCommand(): Command {
  return new Command("schema")
    .description("write schema.graphql, the schema as clients see it, sorted; needs no database")
    .option("--subgraph", "write subgraph.graphql instead: the schema for Apollo Federation")
    .option("--check", "change nothing, fail when the file is out of step")
    .action(async ({ subgraph, check }: { subgraph?: boolean; check?: boolean }) => {
      const file = subgraph ? "subgraph.graphql" : "schema.graphql";
      const text = await printed(subgraph);
      if (!check) return writeFile(file, text);
      const present = await readFile(file, "utf8").catch(() => "");
      const script = subgraph ? "subgraph" : "schema";
      if (present !== text)
        throw new Error(`${file} is out of step: run \`npm run ${script}\` and commit it.`);
    });
}

async function printed(subgraph = false): Promise<string> {
  const { buildGatehouseSchema } = await import("../schema.ts");
  const schema = buildGatehouseSchema();
  if (subgraph) return (await import("../federation/subgraph-sdl.ts")).printSubgraph(schema);
  const { lexicographicSortSchema, printSchema } = await import("graphql");
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
