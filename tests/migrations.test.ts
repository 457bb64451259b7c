import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { migrateDown, migrateUp, migratorOf, schemaDifference } from "../src/persistence/migrations.ts";
import { createOrm } from "../src/persistence/orm.ts";
import type { Orm } from "../src/persistence/orm.ts";
import { createDatabase, dropDatabase, query } from "./support/database.ts";

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

const sql = (text: string) => query(databaseUrl, text);

const lifetimes = "20261122120000_session_lifetimes_and_revocations";

describe("the sessions of a version without idle time", () => {
  beforeAll(async () => {
    await (await migratorOf(orm)).up({ to: "20261122110000_signing_keys" });
    await sql(`insert into users (id, email, username, password_hash, is_active)
      select gen_random_uuid(), name || '@example.com', name, 'x', name <> 'off' from unnest(array['ada', 'off']) name`);
    // Each is called by what it is.
    await sql(`insert into sessions (id, user_id, user_agent, expires_at, revoked_at)
      select gen_random_uuid(), u.id, kind, now() + ends, now() + revoked
      from users u, (values
        ('alive', interval '1 day', null),
        ('expired', interval '-1 hour', null),
        ('revoked', interval '1 day', interval '-5 minutes'),
        ('revoked long ago', interval '1 day', interval '-2 days')
      ) s (kind, ends, revoked)`);
  });

  it("end when they did, and the feed begins with those that ended of late", async () => {
    expect(await migrateUp(orm)).toContain(lifetimes);
    expect(await schemaDifference(orm)).toBe("");
    expect(await sql("select from sessions where refresh_expires_at <> expires_at")).toEqual([]);
    expect(
      await sql(`select distinct s.user_agent, r.revoked_at = s.revoked_at as same
        from session_revocations r join sessions s on s.id = r.session_id`),
    ).toEqual([{ user_agent: "revoked", same: true }]);
  });

  it("are ended with their user from now on", async () => {
    await sql("update users set is_active = false");
    expect(
      await sql(`select s.user_agent from sessions s join users u on u.id = s.user_id
        where u.username = 'ada' and s.revoked_reason = 'user_deactivated'`),
    ).toEqual([{ user_agent: "alive" }]);
    await sql("update users set is_active = true; update sessions set revoked_at = null");
  });

  it("have their old end again after the way back, and what idle time had ended stays ended", async () => {
    await sql("update sessions set expires_at = now() + interval '1 hour' where user_agent = 'alive'");
    await sql("update sessions set expires_at = now() - interval '1 hour' where user_agent like 'revoked%'");
    while (!(await migrateDown(orm)).includes(lifetimes));
    expect(
      await sql(`select user_agent, round(extract(epoch from expires_at - now()) / 3600)::int as hours
        from sessions group by 1, 2 order by 1`),
    ).toEqual([
      { user_agent: "alive", hours: 24 },
      { user_agent: "expired", hours: -1 },
      { user_agent: "revoked", hours: -1 },
      { user_agent: "revoked long ago", hours: -1 },
    ]);
    await migrateUp(orm);
    expect(await schemaDifference(orm)).toBe("");
  });
});
