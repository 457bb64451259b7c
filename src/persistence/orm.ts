import { MikroORM } from "@mikro-orm/postgresql";
import { fileURLToPath } from "node:url";
import type { PoolClient } from "pg";
import type { Logger } from "pino";
import { ReleasedName } from "../accounts/released-name.entity.ts";
import { User } from "../accounts/user.entity.ts";
import { AuthEvent } from "../events/auth-event.entity.ts";
import { SigningKey } from "../keys/signing-key.entity.ts";
import { SessionRevocation } from "../sessions/session-revocation.entity.ts";
import { Session } from "../sessions/session.entity.ts";
import { TokenRevocation } from "../sessions/token-revocation.entity.ts";
import { Attempt } from "../throttling/attempt.entity.ts";
import { guardPool } from "./guarded-pool.ts";
import { hearOwnNotices } from "./own-notices.ts";
import type { OwnNotices } from "./own-notices.ts";
import { TextBindingDriver } from "./text-binding.ts";

export type Orm = MikroORM;

/** The folder of the migrations: beside `src` and beside `dist` alike. */
export const migrationsPath = fileURLToPath(new URL("../../migrations", import.meta.url));

/**
 * Milliseconds. A statement that is slow is ended by the server, and when nothing is heard of it, the connection is:
 * it can die without a word, and TCP takes a quarter of an hour to find out.
 */
const patience = {
  statement_timeout: 5_000,
  query_timeout: 7_000,
  idle_in_transaction_session_timeout: 30_000,
};

/** A migration, or waiting for another replica's, may take longer than a query of the API may. */
const unlimitedPatience = { statement_timeout: 0, query_timeout: 0, idle_in_transaction_session_timeout: 0 };

/** Connects at the first query, not before. */
export function createOrm(
  databaseUrl: string,
  logger: Pick<Logger, "info">,
  {
    hurried = true,
    own,
    connections = 20,
  }: { hurried?: boolean; own?: OwnNotices; connections?: number } = {},
): Orm {
  return new MikroORM({
    driver: TextBindingDriver,
    clientUrl: databaseUrl,
    entities: [
      User,
      ReleasedName,
      Session,
      SessionRevocation,
      TokenRevocation,
      SigningKey,
      AuthEvent,
      Attempt,
    ],
    // Times are kept with their zone, so what the server is set to does not matter.
    forceUtcTimezone: true,
    migrations: {
      path: migrationsPath,
      glob: "!(*.d).ts",
      tableName: "migrations",
      snapshot: false,
      emit: "ts",
    },
    // Triggers and functions stand in the migrations alone.
    schemaGenerator: { ignoreTriggers: true, ignoreRoutines: true },
    pool: { min: 0, max: connections, idleTimeoutMillis: 30_000 },
    driverOptions: {
      // The driver reads the URL itself: the ORM would drop its parameters (sslmode, host of a socket).
      connectionString: databaseUrl,
      // Milliseconds, for a connection that is opened as for one that comes free.
      connectionTimeoutMillis: 5_000,
      ...(hurried ? patience : unlimitedPatience),
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      application_name: "gatehouse",
      // Times are read as text.
      options: "-c datestyle=ISO",
      onPoolCreated: guardPool,
      ...(own && { onConnect: (client: PoolClient) => hearOwnNotices(client, own) }),
    },
    debug: false,
    logger: (message: string) => logger.info({ component: "orm" }, message),
    colors: false,
  });
}
