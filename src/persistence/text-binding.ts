import { isRaw, raw, Utils } from "@mikro-orm/core";
import { NativeQueryBuilder, PostgreSqlConnection, PostgreSqlDriver } from "@mikro-orm/postgresql";

type Execute = PostgreSqlConnection["execute"];
type Executor = { executeQuery(compiled: object, abort?: object): Promise<unknown> };

/**
 * Sends every text apart from its statement, as a parameter. The ORM would write it into the statement, and PostgreSQL
 * logs the statements that fail or take long: passwords' hashes, names and addresses would stand in its log.
 */
class TextBindingConnection extends PostgreSqlConnection {
  override execute: Execute = (query, params = [], method = "all", context, logged) => {
    const { sql, params: values } = fragmentOf(query, params);
    // `??` is replaced by an identifier, which cannot be a parameter.
    if (sql.includes("??")) return super.execute(query, params, method, context, logged);
    const texts: string[] = [];
    const statement = this.platform.formatQuery(
      sql,
      values.map((value) => bound(value, texts)),
    );
    const executor: Executor = {
      executeQuery: (compiled, abort) => {
        const client = (context ?? this.getClient()) as Executor;
        return client.executeQuery({ ...compiled, parameters: texts }, abort);
      },
    };
    return super.execute(statement, [], method, executor, logged);
  };
}

function fragmentOf(...[query, params = []]: Parameters<Execute>): { sql: string; params: unknown[] } {
  if (query instanceof NativeQueryBuilder) return query.toRaw();
  if (isRaw(query)) return query;
  return Array.isArray(params) ? { sql: query, params } : raw(query, params as Record<string, unknown>);
}

/** Texts become `$1`, `$2` and so on; PostgreSQL reads both a text and a parameter of no type as what the place asks for. */
function bound(value: unknown, texts: string[]): unknown {
  if (typeof value === "string") return raw(`$${texts.push(value)}`);
  if (isRaw(value))
    return raw(
      value.sql,
      value.params.map((inner) => bound(inner, texts)),
    );
  // As the ORM writes them: a list of values, and JSON.
  if (Array.isArray(value))
    return raw(
      value.map(() => "?").join(", "),
      value.map((inner) => bound(inner, texts)),
    );
  if (Utils.isPlainObject(value)) return bound(JSON.stringify(value), texts);
  return value;
}

/** The driver of PostgreSQL that keeps what people type out of the text of statements. */
export class TextBindingDriver extends PostgreSqlDriver {
  override readonly connection = new TextBindingConnection(this.config);
}
