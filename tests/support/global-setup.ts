import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";
import { migrateUp } from "../../src/persistence/migrations.ts";
import { createOrm } from "../../src/persistence/orm.ts";
import {
  asOwner,
  createOwner,
  databaseUrl,
  owner,
  query,
  serverUrlVariable,
  templateDatabase,
} from "./database.ts";
import tearDown from "./global-teardown.ts";
import { testServer } from "./test-server.ts";

/** One real PostgreSQL for all test files, with a migrated template that each copies. */
export default async function setUp(): Promise<void> {
  testServer.directory = await mkdtemp(join(tmpdir(), "gatehouse-test-"));
  testServer.postgres = await startEmbeddedPostgres(testServer.directory);
  process.env[serverUrlVariable] = testServer.postgres.superuserUrl;
  try {
    await makeTemplate();
  } catch (error) {
    await tearDown();
    throw error;
  }
}

async function makeTemplate(): Promise<void> {
  await createOwner(databaseUrl("postgres"));
  await query(databaseUrl("postgres"), `create database ${templateDatabase} owner ${owner}`);
  const orm = createOrm(asOwner(databaseUrl(templateDatabase)), { info: () => {} });
  await migrateUp(orm);
  await orm.close();
}
