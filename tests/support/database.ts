import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { QueryResultRow } from "pg";

export const templateDatabase = "gatehouse_template";

/** Where the global set-up keeps the server for all test files. */
export const serverUrlVariable = "GATEHOUSE_TEST_SERVER_URL";

export function databaseUrl(name: string): string {
  const url = new URL(process.env[serverUrlVariable] ?? "");
  url.pathname = `/${name}`;
  return url.href;
}

export async function query<Row extends QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** A fresh database: a copy of the migrated template, or an empty one. */
export async function createDatabase(template = templateDatabase): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await query(databaseUrl("postgres"), `create database ${name} template ${template}`);
  return databaseUrl(name);
}

export async function dropDatabase(url: string): Promise<void> {
  await query(databaseUrl("postgres"), `drop database ${new URL(url).pathname.slice(1)} with (force)`);
}
