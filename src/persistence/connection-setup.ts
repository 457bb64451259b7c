import type { EntityManager } from "@mikro-orm/postgresql";
import type { Client, QueryConfig } from "pg";

/** Milliseconds. */
const patience = { statement_timeout: 5_000, idle_in_transaction_session_timeout: 30_000 };

/** A migration, or waiting for another replica's, may take longer than a query of the API may. */
const unlimitedPatience = { statement_timeout: 0, idle_in_transaction_session_timeout: 0 };

/** What our statements rely on, whatever the role or the database has set. Dates are read as text. */
const session = {
  datestyle: "ISO",
  default_transaction_isolation: "read committed",
  standard_conforming_strings: "on",
};

/** The server tells each connection its process; a pooler makes a number up, because it has many of them. */
const applySettings = `
  select set_config(name, setting, false) from unnest($1::text[], $2::text[]) as s (name, setting)
  where pg_backend_pid() = $3`;

const backend = "select pg_backend_pid() as pid";

/**
 * Whether a pooler gives the session of this connection to others between its transactions. It then answers them, one after
 * the other, by the same process of the server, as no pooler in session mode does.
 */
export async function sharesSession(client: Client, em: EntityManager): Promise<boolean> {
  for (let tries = 0; tries < 3; tries++) {
    const { rows } = await client.query<{ pid: number }>(backend);
    if (rows[0]?.pid === processOf(client)) return false;
    const [other] = await em.fork().execute<[{ pid: number }]>(backend);
    if (rows[0]?.pid === other.pid) return true;
  }
  return false;
}

/**
 * Prepares a new connection for our statements. Startup parameters would do the same, but poolers refuse them. The session
 * behind a pooler is shared: it keeps no settings and no prepared statements of ours.
 * @param databaseUrl its `schema`, if any, becomes the search path
 */
export async function setUpConnection(client: Client, databaseUrl: string, hurried: boolean): Promise<void> {
  const schema = schemaOf(databaseUrl);
  const settings = {
    ...session,
    ...(hurried ? patience : unlimitedPatience),
    ...(schema !== undefined && { search_path: client.escapeIdentifier(schema) }),
  };
  const values = [Object.keys(settings), Object.values(settings).map(String), processOf(client)];
  const { rowCount } = await client.query(applySettings, values);
  if (rowCount === 0) sendStatementsUnnamed(client);
}

/** The schema that `?schema=` of a URL names, as it does for other programs. */
export function schemaOf(databaseUrl: string): string | undefined {
  return new URL(databaseUrl).searchParams.get("schema") ?? undefined;
}

function processOf(client: Client): number | null {
  return (client as Client & { processID: number | null }).processID;
}

/** A statement without a name is prepared, executed and forgotten within one message. */
function sendStatementsUnnamed(client: Client): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((first: string | QueryConfig, ...more: unknown[]) => {
    const unnamed =
      typeof first === "object" && first.name !== undefined ? { ...first, name: undefined } : first;
    // oxlint-disable-next-line gatehouse/no-raw-sql -- the rule sees to it where the statement is made
    return query(unnamed, ...more);
  }) as typeof client.query;
}
