import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { locatePostgresBinaries } from "../src/embedded-postgres/postgres-binaries.ts";

/** What the figures were taken with, in one line. */
export async function describeVersions(): Promise<string> {
  const packages = [
    "@apollo/server",
    "fastify",
    "@as-integrations/fastify",
    "graphql",
    "@node-rs/argon2",
    "argon2",
    "better-auth",
    "graphql-yoga",
    "type-graphql",
    "@mikro-orm/core",
    "jsonwebtoken",
    "pg",
  ];
  const { postgres } = await locatePostgresBinaries();
  const { stdout } = await promisify(execFile)(postgres, ["--version"]);
  return [
    `Node ${process.versions.node}`,
    ...(await Promise.all(packages.map(async (name) => `${name} ${await installedVersion(name)}`))),
    `PostgreSQL ${/[\d.]+/.exec(stdout)?.[0] ?? "of unknown version"}`,
    `${availableParallelism()} cores`,
  ].join(", ");
}

async function installedVersion(name: string): Promise<string> {
  const manifest = await readFile(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
