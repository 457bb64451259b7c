import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import type { CleanUp } from "./undo.ts";

/** The one PostgreSQL that all servers of a run have their databases in. */
export interface BenchPostgres {
  /** @param name of letters, digits and underscores @returns its URL */
  createDatabase(name: string): Promise<string>;
  /** As a superuser. */
  query(sql: string): Promise<void>;
}

export async function startPostgres(cleanUp: CleanUp): Promise<BenchPostgres> {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  cleanUp.push(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  const postgres = await startEmbeddedPostgres(directory);
  cleanUp.push(() => postgres.stop());
  const urlOf = (name: string) => {
    const url = new URL(postgres.superuserUrl);
    url.pathname = `/${name}`;
    return url.href;
  };
  const query = async (sql: string) => {
    const client = new Client({ connectionString: urlOf("postgres") });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  return {
    query,
    async createDatabase(name) {
      await query(`create database ${name}`);
      return urlOf(name);
    },
  };
}
