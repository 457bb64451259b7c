import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { ClusterPaths } from "./postgres-cluster.ts";
import { makeSecretFile, readSecretFile } from "./secret-file.ts";

/** Owns the database `gatehouse` and is no superuser: SQL that reaches it cannot read files or start programs. */
export const ownerRole = "gatehouse_owner";

const prepareRole = `
  do $$ begin
    if not exists (select from pg_roles where rolname = 'gatehouse_owner') then create role gatehouse_owner; end if;
  end $$;
  alter role gatehouse_owner login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
  alter database gatehouse owner to gatehouse_owner`;

// The previous release made everything as superuser. Objects of extensions, and sequences of columns, follow theirs.
const takeOverObjects = `
  do $$ declare change text; begin
    for change in
      select format('alter schema %I owner to gatehouse_owner', nspname) from pg_namespace n
      where nspowner = current_user::text::regrole and nspname !~ '^pg_' and nspname <> 'information_schema'
      union all
      select format('alter %s %s owner to gatehouse_owner',
        case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
          when 'f' then 'foreign table' else 'table' end, c.oid::regclass)
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where relowner = current_user::text::regrole and relkind in ('r', 'p', 'S', 'v', 'm', 'f')
        and nspname !~ '^pg_' and nspname <> 'information_schema'
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
          and (deptype = 'e' or relkind = 'S' and deptype in ('a', 'i')))
      union all
      select format('alter routine %s owner to gatehouse_owner', p.oid::regprocedure)
      from pg_proc p join pg_namespace n on n.oid = pronamespace
      where proowner = current_user::text::regrole and nspname !~ '^pg_' and nspname <> 'information_schema'
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and deptype = 'e')
      union all
      select format('alter type %s owner to gatehouse_owner', t.oid::regtype)
      from pg_type t join pg_namespace n on n.oid = typnamespace
      where typowner = current_user::text::regrole and typtype in ('e', 'd', 'r')
        and nspname !~ '^pg_' and nspname <> 'information_schema'
        and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and deptype = 'e')
    loop execute change; end loop;
  end $$`;

/**
 * Gives the database to the role, also what an earlier release made in it. Changes nothing the second time.
 * @param superuserUrl of the database `gatehouse`
 */
export async function prepareOwnerRole(superuserUrl: string, paths: ClusterPaths): Promise<void> {
  if (readSecretFile(paths.ownerPasswordFile) === undefined)
    await makeSecretFile(paths.ownerPasswordFile, randomBytes(32).toString("base64url"));
  const superuser = new Client({ connectionString: superuserUrl, connectionTimeoutMillis: 5_000 });
  superuser.on("error", () => {});
  try {
    await superuser.connect();
    await superuser.query(prepareRole);
    const password = superuser.escapeLiteral(readSecretFile(paths.ownerPasswordFile) ?? "");
    // oxlint-disable-next-line gatehouse/no-raw-sql -- the statement takes no parameters
    await superuser.query(`alter role gatehouse_owner password ${password}`);
    await superuser.query(takeOverObjects);
  } finally {
    await superuser.end().catch(() => {});
  }
}
