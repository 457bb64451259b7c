import { randomBytes } from "node:crypto";
import pino from "pino";
import { createApp } from "../../src/app.ts";
import type { App } from "../../src/app.ts";
import { loadConfig } from "../../src/config/config.ts";
import { logOptions } from "../../src/logging/logger.ts";
import { tokenSecrets } from "../../src/embedded-postgres/kept-secret.ts";
import { migrateOnStart } from "../../src/persistence/migrations.ts";
import type { Siblings } from "../../src/sessions/own-changes.ts";
import { asSuperuser, createDatabase, dropDatabase, query } from "./database.ts";

export interface GraphqlAnswer {
  status: number;
  // Answers are asserted on field by field; their shape is what the tests are about.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  errors?: any[];
}

export interface Gateway {
  url: string;
  databaseUrl: string;
  jwtSecret: string;
  app: App;
  /** Every line of the log. */
  log: string[];
  graphql(text: string, variables?: object, authorization?: string): Promise<GraphqlAnswer>;
  /** As an operator does it, past the gateway; which has heard of it, if it hears anything, when this resolves. */
  sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Cheap hashing: what the tests are about is not how long it takes. */
const testEnvironment = {
  NODE_ENV: "test",
  PORT: "0",
  ARGON2_MEMORY: "8",
  ARGON2_TIME: "1",
  HASH_CONCURRENCY: "16",
  LOG_LEVEL: "trace",
  // All requests come from one address, and some of them carry several sign-ins.
  RATE_LIMIT: "off",
  MAX_CREDENTIAL_OPERATIONS: "100",
};

/** The whole gateway on a port of its own with a database of its own. */
export async function startGateway(
  environment: Record<string, string> = {},
  siblings?: Siblings,
): Promise<Gateway> {
  const databaseUrl = environment["DATABASE_URL"] ?? (await createDatabase());
  const jwtSecret = environment["JWT_SECRET"] ?? randomBytes(32).toString("base64url");
  const config = loadConfig({
    ...testEnvironment,
    ENCRYPTION_KEY: jwtSecret,
    ...environment,
    DATABASE_URL: databaseUrl,
    JWT_SECRET: jwtSecret,
  });
  const log: string[] = [];
  const logger = pino(logOptions(config.logLevel), { write: (line: string) => void log.push(line) });
  const app = await createApp(config, { databaseUrl, ...(await tokenSecrets(config)) }, logger, siblings);
  await migrateOnStart(app.orm, true);
  await app.start().catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  const url = await app.server.listen({ host: config.host, port: config.port });

  return {
    url,
    databaseUrl,
    jwtSecret,
    app,
    log,
    async graphql(text, variables, authorization) {
      const answer = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(authorization && { authorization }) },
        body: JSON.stringify({ query: text, ...(variables && { variables }) }),
      });
      return { status: answer.status, ...((await answer.json()) as Omit<GraphqlAnswer, "status">) };
    },
    async sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]) {
      const rows = await query<Row>(asSuperuser(databaseUrl), text, values);
      // What somebody else has changed is known a moment later.
      if (app.notifications.isHeard(performance.now())) await app.notifications.caughtUp();
      return rows;
    },
    async close() {
      await app.close();
      if (environment["DATABASE_URL"] === undefined) await dropDatabase(databaseUrl);
    },
  };
}

/** Another replica on the same database. */
export function startReplica(gateway: Gateway, environment: Record<string, string> = {}): Promise<Gateway> {
  return startGateway({
    DATABASE_URL: gateway.databaseUrl,
    ENCRYPTION_KEY: gateway.jwtSecret,
    ...environment,
  });
}
