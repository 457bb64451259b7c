import { Client } from "pg";
import type { Config } from "../config/config.ts";
import { findRunningPostgres, startEmbeddedPostgres } from "../embedded-postgres/embedded-postgres.ts";

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
  const embedded = await startEmbeddedPostgres(dataDir).catch((error) => explainDataDir(error, dataDir));
  return {
    url: embedded.url,
    description: `embedded PostgreSQL in ${embedded.dataDirectory}`,
    close: () => embedded.stop(),
  };
}

/** The same for a command that may run beside the gateway: it uses the embedded server that is already up. */
export async function openDatabaseBesideGateway(config: Config): Promise<Database> {
  const { databaseUrl, dataDir } = config;
  if (databaseUrl !== undefined) return openDatabase(config);
  const running = await findRunningPostgres(dataDir).catch((error) => explainDataDir(error, dataDir));
  return running === undefined ? openDatabase(config) : external(running);
}

/** Errors of the file system name neither the setting nor its purpose. */
function explainDataDir(error: NodeJS.ErrnoException, dataDir: string): never {
  if (error.syscall === undefined) throw error;
  throw new Error(`DATA_DIR ${dataDir} cannot be used: ${error.message}`, { cause: error });
}

/** Connects once, so that a server that is down, a wrong password or a mistyped name is reported at the start. */
async function external(url: string): Promise<Database> {
  const client = clientFor(url);
  const { host, port, database } = client;
  const description = `PostgreSQL at ${host}:${port}/${database}`;
  try {
    await client.connect();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${description} (DATABASE_URL) cannot be used: ${reason}`, { cause: error });
  } finally {
    await client.end();
  }
  return { url, description, close: () => Promise.resolve() };
}

/** The driver reads the files that the URL names. Their paths are not reported: a key may stand there by mistake. */
function clientFor(url: string): Client {
  try {
    return new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new Error(
      `DATABASE_URL cannot be used: a file of sslcert, sslkey or sslrootcert is missing or closed to us (${code})`,
      { cause: error },
    );
  }
}
