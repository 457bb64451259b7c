import type { EntityManager } from "@mikro-orm/postgresql";

// Of a constraint, an index or a trigger PostgreSQL writes the names of its own schema without it, as that is the whole
// search path. Invalid indexes, and triggers that are switched off, count as different ones.
const schemaObjects = `
  with here as (select oid, nspname from pg_namespace where nspname = :schema),
  tables as (
    select c.oid, c.relname, c.relpersistence, c.relkind, c.relrowsecurity
    from pg_class c join here on c.relnamespace = here.oid where c.relkind in ('r', 'p', 'v', 'm')
  )
  select 'table ' || t.relname as name, concat_ws(' ', t.relkind, t.relpersistence, t.relrowsecurity) as definition
    from tables t
  union all
  select 'column ' || t.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull,
      a.attidentity, a.attgenerated, l.collname, pg_get_expr(d.adbin, d.adrelid, true))
    from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation l on l.oid = a.attcollation
  union all
  select 'constraint ' || t.relname || '.' || c.conname, concat_ws(' ', pg_get_constraintdef(c.oid, true), c.convalidated)
    from tables t join pg_constraint c on c.conrelid = t.oid where c.contype not in ('n', 't')
  union all
  select 'index ' || i.indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(i.indexrelid, 0, true), i.indisvalid)
    from tables t join pg_index i on i.indrelid = t.oid
  union all
  select 'trigger ' || t.relname || '.' || g.tgname, concat_ws(' ', pg_get_triggerdef(g.oid, true), g.tgenabled)
    from tables t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
  union all
  select 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
      concat_ws(' ', pg_get_function_result(p.oid), l.lanname, p.prosecdef, p.provolatile, p.proisstrict, p.prosrc,
        replace(array_to_string(p.proconfig, ' '), quote_ident(here.nspname), 'schema'))
    from pg_proc p join here on p.pronamespace = here.oid join pg_language l on l.oid = p.prolang
  union all
  select 'revoked public execution of function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', ''
    from pg_proc p join here on p.pronamespace = here.oid where not has_function_privilege('public', p.oid, 'execute')
  order by 1`;

/** What is in a schema, by name. A definition reads the same whatever the schema is called. */
export type SchemaObjects = Map<string, string>;

/** Reads a schema's tables, columns, constraints, indexes, triggers and functions, within a transaction. */
export async function readSchemaObjects(em: EntityManager, schema: string): Promise<SchemaObjects> {
  await em.execute("select set_config('search_path', quote_ident(?), true)", [schema]);
  const rows = await em.execute<{ name: string; definition: string }[]>(schemaObjects, { schema });
  return new Map(rows.map(({ name, definition }) => [name, definition]));
}

/** What keeps a schema from being as expected, a line each; more than is expected may be there. */
export function compareSchemaObjects(expected: SchemaObjects, actual: SchemaObjects): string[] {
  return [...expected].flatMap(([name, definition]) => {
    const found = actual.get(name);
    if (found === undefined) return [`missing: ${name}`];
    return found === definition ? [] : [`different: ${name}`];
  });
}
