import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { QueryResultRow } from "pg";

export const templateDatabase = "gatehouse_template";

/** Where the global set-up keeps the server for all test files. */
export const serverUrlVariable = "GATEHOUSE_TEST_SERVER_URL";

/** Owns the databases of the tests, and has no other rights: gateways and migrations connect as this role. */
export const owner = "test_owner";
const ownerPassword = "owner";

/** The URL of a database for a superuser, who administers the tests. */
export function databaseUrl(name: string): string {
  const url = new URL(process.env[serverUrlVariable] ?? "");
  url.pathname = `/${name}`;
  return url.href;
}

/** The same database for its owner. */
export function asOwner(url: string): string {
  return withCredentials(url, owner, ownerPassword);
}

/** The owner's database for a superuser; any other URL as it is. */
export function asSuperuser(url: string): string {
  if (new URL(url).username !== owner) return url;
  const { username, password } = new URL(databaseUrl("postgres"));
  return withCredentials(url, username, password);
}

function withCredentials(url: string, username: string, password: string): string {
  return Object.assign(new URL(url), { username, password }).href;
}

/** Makes the role of the owner on a server. */
export async function createOwner(serverUrl: string): Promise<void> {
  await query(serverUrl, `create role ${owner} login password '${ownerPassword}'`);
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

/** A fresh database of the owner: a copy of the migrated template, or an empty one. */
export async function createDatabase(template = templateDatabase): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await query(databaseUrl("postgres"), `create database ${name} template ${template} owner ${owner}`);
  return asOwner(databaseUrl(name));
}

export async function dropDatabase(url: string): Promise<void> {
  await query(databaseUrl("postgres"), `drop database ${new URL(url).pathname.slice(1)} with (force)`);
}
