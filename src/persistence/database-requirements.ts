import { schemaOf } from "./connection-setup.ts";
import type { Orm } from "./orm.ts";

/** Those that the tests run on begin with it. */
const oldestVersion = 15;

interface Facts {
  version: number;
  encoding: string;
  schema: string | null;
  unquoted: string | null;
  search_path: string;
  home: string | null;
  database: string;
  role: string;
  may_create: boolean | null;
  isolation: string;
  strings: string;
  dates: string;
  replication_role: string;
  read_only: boolean;
  /** The schema that `DATABASE_URL` names. */
  wanted: string | undefined;
}

// `home` is the schema of the tables that are there already.
const facts = `
  select current_setting('server_version_num')::int / 10000 as version, current_setting('server_encoding') as encoding,
    quote_ident(current_schema()) as schema, current_schema() as unquoted,
    current_setting('search_path') as search_path,
    (select quote_ident(n.nspname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.oid = to_regclass('migrations')) as home,
    quote_ident(current_database()) as database, quote_ident(current_user) as role,
    has_schema_privilege(current_schema(), 'create') as may_create,
    current_setting('default_transaction_isolation') as isolation,
    current_setting('standard_conforming_strings') as strings, current_setting('datestyle') as dates,
    current_setting('session_replication_role') as replication_role,
    current_setting('transaction_read_only')::boolean as read_only`;

/** What the gateway does with each table. */
const privileges = {
  migrations: "select",
  users: "select, insert, update",
  sessions: "select, insert, update, delete",
  session_revocations: "select, insert, update, delete",
  token_revocations: "select, insert, update, delete",
  released_names: "select, insert, update, delete",
  global_id_keys: "select",
  signing_keys: "select, insert, update, delete",
  auth_events: "select, insert",
  attempts: "select, insert, update, delete",
};

const missingPrivileges = `
  select t.name, to_regclass(t.name) is not null as exists, array(
    select p from unnest(string_to_array(t.needed, ', ')) p
    where not has_table_privilege(to_regclass(t.name), p)
  ) as missing
  from unnest(cast(string_to_array(:names, '|') as text[]), cast(string_to_array(:needed, '|') as text[])) as t (name, needed)
  order by 1`;

/** Functions and triggers without which the gateway would serve, and sign-outs or clean-up would silently fail. */
const objects = [
  "gatehouse_claim_names",
  "gatehouse_end_user_sessions",
  "gatehouse_open_session",
  "gatehouse_remove_old_events",
  "gatehouse_use_generation",
  "auth_events_stay",
  "sessions_deleted",
  "sessions_deleted_forgotten",
  "sessions_forgotten",
  "sessions_revoked",
  "signing_keys_changed",
  "users_deactivated",
  "users_deleted_forgotten",
  "users_deleted_names_released",
  "users_forgotten",
  "users_name_keys_filled",
  "users_names_released",
];

const missingObjects = `
  select name from unnest(string_to_array(:names, ',')) name
  where not exists (select from pg_proc where proname = name and pg_function_is_visible(oid))
    and not exists (select from pg_trigger where tgname = name and tgenabled in ('O', 'A') and pg_table_is_visible(tgrelid))
  order by 1`;

/** The start or a migration must stop: the database is not as we need it. */
export class UnsuitableDatabase extends Error {
  constructor(problems: string[]) {
    super(problems.map((problem) => `The database cannot be used: ${problem}`).join("\n"));
  }
}

/**
 * Checks what a migration relies on.
 * @returns the schema in which the tables are, or will be
 * @throws UnsuitableDatabase with a line for each problem, which says what to do
 */
export async function checkBeforeMigrating(orm: Orm): Promise<string> {
  const found = await readFacts(orm);
  refuse([
    ...problemsOf(found),
    ...(found.may_create === false
      ? [
          `the role ${found.role} may not create tables; run \`grant create on schema ${found.schema} to ${found.role}\`.`,
        ]
      : []),
    ...(found.read_only ? ["it takes no writes; connect to the primary server."] : []),
  ]);
  return found.unquoted ?? "public";
}

/** Checks what serving relies on, on a migrated database. @throws UnsuitableDatabase */
export async function checkBeforeServing(orm: Orm): Promise<void> {
  const found = await readFacts(orm);
  refuse(problemsOf(found));
  const em = orm.em.fork();
  const tables = await em.execute<{ name: string; exists: boolean; missing: string[] }[]>(missingPrivileges, {
    names: Object.keys(privileges).join("|"),
    needed: Object.values(privileges).join("|"),
  });
  const lacking = await em.execute<{ name: string }[]>(missingObjects, { names: objects.join() });
  refuse([
    ...tables.flatMap(({ name, exists, missing }) => {
      if (!exists)
        return [`the schema ${found.schema} lacks the table ${name}; restore it, or set the search path.`];
      if (missing.length === 0) return [];
      return [missingPrivilege(found.role, missing.join(", "), name)];
    }),
    ...(lacking.length > 0
      ? [
          `it lacks ${lacking.map(({ name }) => name).join(", ")}; restore them, \`node bin/gatehouse.js migrate check\` lists all.`,
        ]
      : []),
  ]);
}

/** The line that says how the role gets privileges on a table. */
export function missingPrivilege(role: string, privilege: string, table: string): string {
  return `the role ${role} lacks a privilege; run \`grant ${privilege} on ${table} to ${role}\`.`;
}

async function readFacts(orm: Orm): Promise<Facts> {
  const [found] = await orm.em.fork().execute<[Omit<Facts, "wanted">]>(facts);
  return { ...found, wanted: schemaOf(orm.config.get("clientUrl") ?? "") };
}

function problemsOf(found: Facts): string[] {
  const { schema, home, role, database } = found;
  const problems: (string | false)[] = [
    found.version < oldestVersion &&
      `it is PostgreSQL ${found.version}; version ${oldestVersion} or newer is needed.`,
    found.encoding !== "UTF8" &&
      `its encoding is ${found.encoding}; make another one by \`create database … encoding 'UTF8' template template0\`.`,
    schema === null &&
      `no schema of the search path (${found.search_path}) exists that ${role} may use; run ` +
        `\`create schema …\` or \`grant usage on schema … to ${role}\`.`,
    schema !== null &&
      found.wanted !== undefined &&
      found.wanted !== found.unquoted &&
      `behind a pooler \`schema=${found.wanted}\` in DATABASE_URL has no effect; leave it out, and run ` +
        `\`alter role ${role} in database ${database} set search_path = …\`.`,
    home !== null &&
      schema !== null &&
      home !== schema &&
      `its tables are in the schema ${home}, and new ones would be made in ${schema}; run ` +
        `\`alter role ${role} in database ${database} set search_path = ${home}\`.`,
    found.isolation !== "read committed" &&
      `transactions are ${found.isolation}; run ` +
        `\`alter role ${role} in database ${database} set default_transaction_isolation = 'read committed'\`.`,
    found.strings !== "on" &&
      `backslashes are special in texts; run \`alter role ${role} in database ${database} set standard_conforming_strings = on\`.`,
    !found.dates.startsWith("ISO") &&
      `dates are written in the style ${found.dates}; run \`alter role ${role} in database ${database} set datestyle = 'ISO'\`.`,
    found.replication_role !== "origin" &&
      `triggers are off, because session_replication_role is ${found.replication_role}; reset it.`,
  ];
  return problems.filter((problem) => problem !== false);
}

function refuse(problems: string[]): void {
  if (problems.length > 0) throw new UnsuitableDatabase(problems);
}
