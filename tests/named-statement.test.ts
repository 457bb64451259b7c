import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { namedStatement } from "../src/database/named-statement.ts";
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

const both = namedStatement<Record<string, unknown>, { text: string | null; days: number }>({
  name: "both",
  text: `select :text::text as text, (:days::int + :days)::text as twice, '12:30'::time::text as time,
    (select count(*)::int from pg_prepared_statements) as prepared`,
});

it("binds values by name, as often as they stand there, and is prepared once", async () => {
  const first = await both(orm.em, { text: "'; :days --", days: 2 });
  const again = await both(orm.em, { text: null, days: 3 });
  expect([...first, ...again]).toEqual([
    { text: "'; :days --", twice: "4", time: "12:30:00", prepared: 1 },
    { text: null, twice: "6", time: "12:30:00", prepared: 1 },
  ]);
});

it("is refused where it would not be a part of the transaction that it stands in", async () => {
  const within = orm.em.fork().transactional((em) => both(em, { text: "", days: 1 }));
  await expect(within).rejects.toThrow("both is no part of a transaction");
});
