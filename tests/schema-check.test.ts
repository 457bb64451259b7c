import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { asSuperuser, createDatabase, dropDatabase, owner, query } from "./support/database.ts";
import { gatehouse } from "./support/gateway-process.ts";
import { startGateway } from "./support/gateway.ts";

let databaseUrl: string;
beforeEach(async () => {
  databaseUrl = await createDatabase();
});
const migrate = (command: string) =>
  gatehouse(["migrate", command], {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
  }).exit;

describe("gatehouse migrate check", () => {
  it.each([
    ["drop function gatehouse_remove_old_events", "missing: function gatehouse_remove_old_events("],
    ["drop trigger sessions_revoked on sessions", "missing: trigger sessions.sessions_revoked"],
    ["alter table sessions disable trigger sessions_revoked", "different: trigger sessions.sessions_revoked"],
    ["drop index sessions_expires_at_index", "missing: index sessions_expires_at_index"],
    [
      "alter table sessions drop constraint sessions_user_id_foreign",
      "missing: constraint sessions.sessions_user",
    ],
    ["alter table users alter is_active drop default", "different: column users.is_active"],
    ["alter table attempts set logged", "different: table attempts"],
    [
      "grant execute on function gatehouse_remove_old_events to public",
      "missing: revoked public execution of function gatehouse_remove_old_events(",
    ],
    [
      "alter function gatehouse_remove_old_events reset search_path",
      "different: function gatehouse_remove_old_events(",
    ],
  ])("reports `%s`", async (change, line) => {
    await query(databaseUrl, change);
    const { code, stderr } = await migrate("check");
    expect(code).toBe(1);
    expect(stderr).toContain("The database is not what its migrations make:\ngatehouse: ");
    expect(stderr).toContain(line);
    await dropDatabase(databaseUrl);
  });

  it("accepts a database as the migrations make it, and leaves nothing in it", async () => {
    expect(await migrate("check")).toMatchObject({ code: 0, stderr: "" });
    expect(await query(databaseUrl, "select from pg_namespace where nspname = 'gatehouse_check'")).toEqual(
      [],
    );
    await dropDatabase(databaseUrl);
  });
});

it("replaces the function of earlier releases, which only a superuser could make", async () => {
  const superuser = asSuperuser(databaseUrl);
  await query(
    superuser,
    `delete from migrations where name like '%_remove_old_events_without_superuser';
     alter function gatehouse_remove_old_events set gatehouse.removes_old_events = 'on';
     alter function gatehouse_remove_old_events owner to current_user`,
  );
  await query(superuser, `alter function gatehouse_remove_old_events owner to ${owner}`);
  expect(await migrate("up")).toMatchObject({ code: 0, stderr: "" });
  const [made] = await query(
    databaseUrl,
    "select proconfig from pg_proc where proname = 'gatehouse_remove_old_events'",
  );
  expect(made).toEqual({ proconfig: ["search_path=public, pg_temp"] });
  expect(await migrate("check")).toMatchObject({ code: 0, stderr: "" });
  await dropDatabase(databaseUrl);
});

describe("clean-up", () => {
  let gateway: Awaited<ReturnType<typeof startGateway>>;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.close());

  it("goes on with the other jobs when one fails, and logs which one", async () => {
    await gateway.sql("alter function gatehouse_remove_old_events rename to elsewhere");
    await gateway.sql("insert into attempts (key, points, expire) values ('old', 1, 0)");
    await gateway.sql("insert into session_revocations values (gen_random_uuid(), now() - interval '1 day')");
    await gateway.app.removal.removeBatch();
    expect(await gateway.sql("select key from attempts where key = 'old'")).toEqual([]);
    expect(await gateway.sql("select from session_revocations")).toEqual([]);
    expect(gateway.log.join("\n")).toMatch(/"job":"old events".*a clean-up job failed/);
  });
});
