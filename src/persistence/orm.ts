import { MikroORM } from "@mikro-orm/postgresql";
import { fileURLToPath } from "node:url";
import type { Client } from "pg";
import type { Logger } from "pino";
import { ReleasedName } from "../accounts/names/released-name.entity.ts";
import { User } from "../accounts/user.entity.ts";
import { AuthEvent } from "../events/auth-event.entity.ts";
import { GlobalIdKey } from "../global-ids/global-id-key.entity.ts";
import { SigningKey } from "../keys/signing-key.entity.ts";
import { SessionRevocation } from "../sessions/revocations/session-revocation.entity.ts";
import { Session } from "../sessions/session.entity.ts";
import { TokenRevocation } from "../sessions/revocations/token-revocation.entity.ts";
import { Attempt } from "../throttling/attempt.entity.ts";
import { setUpConnection } from "./connection-setup.ts";
import { guardPool } from "./guarded-pool.ts";
import { hearOwnNotices } from "./own-notices.ts";
import type { OwnNotices } from "./own-notices.ts";
import { TextBindingDriver } from "./text-binding.ts";

export type Orm = MikroORM;

/** The folder of the migrations: beside `src` and beside `dist` alike. */
export const migrationsPath = fileURLToPath(new URL("../../migrations", import.meta.url));

/**
 * Milliseconds. The server ends a slow statement (see connection-setup.ts). When nothing is heard of it, we end the
 * connection: it can die without a word, and TCP takes a quarter of an hour to find out.
 */
const longestQuery = 7_000;

/** Connects at the first query, not before. */
export function createOrm(
  databaseUrl: string,
  logger: Pick<Logger, "info">,
  {
    hurried = true,
    own,
    connections = 20,
    schema,
  }: {
    hurried?: boolean;
    own?: OwnNotices;
    connections?: number;
    /** The schema of the tables, for migrations; everything else leaves it to the search path. */
    schema?: string;
  } = {},
): Orm {
  return new MikroORM({
    driver: TextBindingDriver,
    clientUrl: databaseUrl,
    ...(schema !== undefined && { schema }),
    entities: [
      User,
      ReleasedName,
      Session,
      SessionRevocation,
      TokenRevocation,
      SigningKey,
      AuthEvent,
      Attempt,
      GlobalIdKey,
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
    // Those that stay open serve when others have taken all that the server has to give.
    pool: { min: Math.min(4, connections), max: connections, idleTimeoutMillis: 30_000 },
    driverOptions: {
      // The driver reads the URL itself: the ORM would drop its parameters (sslmode, host of a socket).
      connectionString: databaseUrl,
      // Milliseconds, for a connection that is opened as for one that comes free.
      connectionTimeoutMillis: 5_000,
      query_timeout: hurried ? longestQuery : 0,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      application_name: "gatehouse",
      onPoolCreated: guardPool,
      onConnect: async (client: Client) => {
        await setUpConnection(client, databaseUrl, hurried);
        if (own) hearOwnNotices(client, own);
      },
    },
    debug: false,
    logger: (message: string) => logger.info({ component: "orm" }, message),
    colors: false,
  });
}
