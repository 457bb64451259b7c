import type { Config } from "../config.ts";
import { findRunningPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";

export interface Database {
  url: string;
  /** For people: where the data lies, without a password. */
  description: string;
  /** Stops the embedded server; leaves any other alone. */
  close(): Promise<void>;
}

/** The database at `databaseUrl`, or the embedded one under `dataDir`, which then belongs to this process alone. */
export async function openDatabase({ databaseUrl, dataDir }: Config): Promise<Database> {
  if (databaseUrl !== undefined) return external(databaseUrl);
  const embedded = await startEmbeddedPostgres(dataDir);
  return {
    url: embedded.url,
    description: `embedded PostgreSQL in ${embedded.dataDirectory}`,
    close: () => embedded.stop(),
  };
}

/** The same for a command that may run beside the gateway: it uses the embedded server that is already up. */
export async function openDatabaseBesideGateway(config: Config): Promise<Database> {
  const running = config.databaseUrl === undefined ? await findRunningPostgres(config.dataDir) : undefined;
  return running === undefined ? openDatabase(config) : external(running);
}

function external(url: string): Database {
  const { hostname, port, pathname } = new URL(url);
  return {
    url,
    description: `PostgreSQL at ${hostname}:${port || 5432}${pathname}`,
    close: () => Promise.resolve(),
  };
}
