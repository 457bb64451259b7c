import { Migrator } from "@mikro-orm/migrations";
import { MikroORM } from "@mikro-orm/postgresql";
import { fileURLToPath } from "node:url";
import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";
import { User } from "../accounts/user.entity.ts";
import { AuthEvent } from "../events/auth-event.entity.ts";
import { SigningKey } from "../keys/signing-key.entity.ts";
import { SessionRevocation } from "../sessions/session-revocation.entity.ts";
import { Session } from "../sessions/session.entity.ts";
import { TextBindingDriver } from "./text-binding.ts";

export type Orm = MikroORM;

/** The folder of the migrations: beside `src` and beside `dist` alike. */
const migrationsPath = fileURLToPath(new URL("../../migrations", import.meta.url));

/** Connects at the first query, not before. */
export function createOrm(databaseUrl: string, logger: Pick<Logger, "info">): Orm {
  return new MikroORM({
    driver: TextBindingDriver,
    clientUrl: databaseUrl,
    entities: [User, Session, SessionRevocation, SigningKey, AuthEvent],
    extensions: [Migrator],
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
    pool: { min: 0, max: 20, idleTimeoutMillis: 30_000 },
    driverOptions: {
      // The driver reads the URL itself: the ORM would drop its parameters (sslmode, host of a socket).
      connectionString: databaseUrl,
      // A database that does not answer costs a caller this long at most, in milliseconds.
      connectionTimeoutMillis: 5_000,
      statement_timeout: 10_000,
      idle_in_transaction_session_timeout: 30_000,
      keepAlive: true,
      application_name: "gatehouse",
      // Times are read as text.
      options: "-c datestyle=ISO",
      onPoolCreated: releaseDeadConnections,
    },
    debug: false,
    logger: (message: string) => logger.info({ component: "orm" }, message),
    colors: false,
  });
}

/**
 * A connection that ends in the midst of a transaction leaves the pool: what holds it cannot roll back any more, and then
 * never gives it back.
 */
function releaseDeadConnections(pool: Pool): void {
  const held = new Set<PoolClient>();
  pool.on("acquire", (client) => held.add(client));
  pool.on("release", (_error, client) => held.delete(client));
  pool.on("connect", (client) =>
    client.once("end", () => {
      if (!held.has(client)) return;
      client.release(true);
      // What held it may still do its part.
      client.release = () => {};
    }),
  );
}
