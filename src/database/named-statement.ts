import type { EntityManager } from "@mikro-orm/postgresql";
import type { QueryResultRow } from "pg";

export type NamedStatement<Row, Values> = (em: EntityManager, values: Values) => Promise<Row[]>;

/**
 * A statement for what is asked all the time: PostgreSQL prepares it once for each connection, and the ORM, which costs
 * more than all the rest of it, is left out. It runs by itself, so it is a transaction of its own.
 * @param statement its parameters are written `:name`; PostgreSQL takes their types from where they stand
 * @returns a function that asks it; values of other names are left out
 */
export function namedStatement<Row extends QueryResultRow, Values extends object>(statement: {
  name: string;
  text: string;
}): NamedStatement<Row, Values> {
  const parameters: string[] = [];
  // Not `::`, which is a cast.
  const text = statement.text.replaceAll(/(?<!:):([a-z]\w*)/gi, (_colonAndName, parameter: string) => {
    if (!parameters.includes(parameter)) parameters.push(parameter);
    return `$${parameters.indexOf(parameter) + 1}`;
  });
  return async (em, values) => {
    if (em.isInTransaction()) throw new Error(`${statement.name} is no part of a transaction`);
    const pool = await em.getConnection().getNativeClient();
    const { rows } = await pool.query<Row>({
      name: statement.name,
      // oxlint-disable-next-line gatehouse/no-raw-sql -- the rule sees to it where the statement is made
      text,
      values: parameters.map((parameter) => values[parameter as keyof Values]),
    });
    return rows;
  };
}
