import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { raw } from "@mikro-orm/postgresql";
import { createOrm } from "../src/persistence/orm.ts";
import type { Orm } from "../src/persistence/orm.ts";
import { createDatabase, dropDatabase } from "./support/database.ts";

let databaseUrl: string;
let orm: Orm;
beforeAll(async () => {
  databaseUrl = await createDatabase("template0");
  orm = createOrm(databaseUrl, { info: () => {} });
});
afterAll(async () => {
  await orm.close();
  await dropDatabase(databaseUrl);
});

/** What could be taken for a parameter, an identifier, an escape, an array or the end of a literal. */
const text = `mark'ed "x" \\ \\' ? ?? :value $1 $$ {a,b} E'\\n' -- \u001b`;

/** What comes back of a value, and the statement as the server sees and logs it. */
async function roundTrip(sql: string, values: unknown[] | Record<string, unknown>) {
  const query = `select ${sql} as value, query from pg_stat_activity where pid = pg_backend_pid()`;
  const [row] = await orm.em.fork().execute<[{ value: unknown; query: string }]>(query, values as unknown[]);
  return row;
}

describe("a value of a statement", () => {
  it.each<[string, string, unknown[] | Record<string, unknown>, unknown]>([
    ["a text", "?::text", [text], text],
    ["a named text", ":value::text", { value: text }, text],
    ["a text twice", ":value || cast(:value as text)", { value: text }, text + text],
    ["a text in what is raw", "?::text", [raw("upper(?)", [text])], text.toUpperCase()],
    ["texts of a list", "case when 'x' in (?) then 1 else 0 end", [[text, "x", null]], 1],
    ["texts of an array", "to_jsonb(array[?]::text[])", [[text, null, "x"]], [text, null, "x"]],
    ["texts of an object", "?::jsonb", [{ marked: text }], { marked: text }],
    ["a text beside an operator", "'{\"a\": 1}'::jsonb \\? 'a' and ?::text <> ''", [text], true],
    ["nothing", "?::text", [null], null],
    ["a truth", "?", [false], false],
    ["a number", "?::float8", [-1.5e-7], -1.5e-7],
    ["a large number", "?::bigint", [2n ** 62n], String(2n ** 62n)],
    ["a time", "to_jsonb(?::timestamptz)", [new Date(1)], "1970-01-01T00:00:00.001+00:00"],
  ])("comes back as it was, and no text is in the statement: %s", async (_what, sql, values, expected) => {
    const { value, query } = await roundTrip(sql, values);
    expect(value).toEqual(expected);
    expect(query).not.toContain("mark");
  });

  it("is never what the statement says", async () => {
    await expect(roundTrip("?::int", ["1); drop table users; --"])).rejects.toThrow("invalid input syntax");
    await expect(roundTrip("?::text", ["\0"])).rejects.toThrow("invalid byte sequence");
  });
});
