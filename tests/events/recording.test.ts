import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { randomBytes } from "node:crypto";
import { startGateway } from "../support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "../support/gateway.ts";
import { errorsOf, reasonOf, register } from "../support/operations.ts";
import type { Tokens } from "../support/operations.ts";
import { startStatementRelay } from "../support/statement-relay.ts";
import type { StatementRelay } from "../support/statement-relay.ts";
import { createDatabase, dropDatabase } from "../support/database.ts";

let databaseUrl: string;
let relay: StatementRelay;
let gateway: Gateway;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  relay = await startStatementRelay(databaseUrl);
  gateway = await startGateway({
    DATABASE_URL: relay.url,
    MAX_SESSIONS_PER_USER: "3",
    REAUTHENTICATE_AFTER: "0s",
  });
});
afterAll(async () => {
  await gateway.close();
  await relay.close();
  await dropDatabase(databaseUrl);
});

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
let userId: string;
let sessionId: string;
/** Events before it are those of the set-up. */
let start: string;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
  ({ sub: userId = "", sid: sessionId } = decodeJwt<{ sid: string }>(tokens.token));
  await mark();
});

const mark = async () => {
  const [last] = await gateway.sql<{ id: string }>("select coalesce(max(id), 0) as id from auth_events");
  start = last?.id ?? "";
  relay.statements.length = 0;
};
const events = () =>
  gateway.sql<Record<string, unknown>>(
    `select type, outcome, cause, actor, user_id, session_id, ip, user_agent from auth_events
     where id > $1 and key_id is null order by id`,
    [start],
  );
const summary = async () =>
  (await events()).map(({ type, outcome, cause, actor }) => [type, outcome, cause, actor].join(" "));
const own = { user_id: null as unknown, session_id: null as unknown, ip: "127.0.0.1", user_agent: "node" };
const mine = () => ({ ...own, user_id: userId, session_id: sessionId });

const login = (input: object) =>
  gateway.graphql("mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }", {
    input,
  });
const signIn = async (): Promise<Tokens> =>
  (await login({ username: "ada", password: ada.password })).data.login as Tokens;
const refresh = ({ refreshToken }: Tokens) =>
  gateway.graphql("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token refreshToken } }", {
    t: refreshToken,
  });
const act = (mutation: string, variables = {}, { token } = tokens): Promise<GraphqlAnswer> =>
  gateway.graphql(mutation, variables, `Token ${token}`);
const update = (input: object) =>
  act(
    "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } session { token refreshToken } } }",
    { input },
  );
const idOf = ({ token }: Pick<Tokens, "token">) => decodeJwt<{ sid: string }>(token).sid;

/** The statements since the last time, without regard to values. */
const forms = () => relay.statements.splice(0).map((sql) => sql.replaceAll(/\$\d+|null/g, "?"));

describe("what is recorded", () => {
  it("a sign-up, which signs in", async () => {
    await register(gateway, { ...ada, email: "b@example.com", username: "b" });
    const [signedUp, signedIn, ...none] = await events();
    expect(signedUp).toMatchObject({
      type: "SIGNED_UP",
      outcome: "success",
      cause: null,
      actor: "user",
      ip: "127.0.0.1",
    });
    expect(signedIn).toEqual({ ...signedUp, type: "SIGNED_IN" });
    expect(signedIn?.["session_id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(none).toEqual([]);
  });

  it("a sign-in, with the session that it ends because there are too many", async () => {
    await signIn();
    await signIn();
    await mark();
    const fourth = await signIn();
    const [ended, signedIn] = await events();
    expect(ended).toEqual({
      ...mine(),
      type: "SESSION_REVOKED",
      outcome: "success",
      cause: "TOO_MANY_SESSIONS",
      actor: "system",
    });
    expect(signedIn).toMatchObject({ ...mine(), type: "SIGNED_IN", cause: null, session_id: idOf(fourth) });
  });

  it.each([
    ["an unknown account", { username: "eve", password: ada.password }, "UNKNOWN_ACCOUNT"],
    ["a wrong password", { username: "ada", password: "wrong horse battery" }, "WRONG_PASSWORD"],
    ["a deactivated account", { username: "ada", password: ada.password }, "USER_DEACTIVATED"],
  ])("a sign-in that fails for %s", async (_what, input, cause) => {
    if (cause === "USER_DEACTIVATED") await gateway.sql("update users set is_active = false");
    await mark();
    expect(errorsOf(await login(input))).toHaveProperty("error");
    expect(await events()).toEqual([
      {
        ...own,
        type: "SIGN_IN_FAILED",
        outcome: "failure",
        cause,
        actor: "user",
        user_id: cause === "UNKNOWN_ACCOUNT" ? null : userId,
      },
    ]);
  });

  it("the same statements whether the account exists", async () => {
    await login({ username: "eve", password: "wrong horse battery" });
    const unknown = forms();
    expect(unknown).toHaveLength(2);
    await login({ username: "ada", password: "wrong horse battery" });
    expect(forms()).toEqual(unknown);
  });

  it("a refresh, in the statement that refreshes", async () => {
    await refresh(tokens);
    expect(relay.statements).toHaveLength(1);
    expect(await events()).toEqual([
      { ...mine(), type: "TOKEN_REFRESHED", outcome: "success", cause: null, actor: "user" },
    ]);
  });

  it("that a lost answer was replaced", async () => {
    await refresh(tokens);
    await gateway.sql("update sessions set rotated_at = now() - interval '1 hour'");
    await mark();
    expect((await refresh(tokens)).errors).toBeUndefined();
    expect(relay.statements).toHaveLength(1);
    expect(await summary()).toEqual(["TOKEN_REFRESHED success RETRIED user"]);
  });

  it("that a spent token got the same pair, once for all its repetitions", async () => {
    await refresh(tokens);
    await mark();
    for (let count = 0; count < 3; count++) expect((await refresh(tokens)).errors).toBeUndefined();
    expect(await summary()).toEqual(["TOKEN_REFRESHED success REPEATED user"]);
  });

  it("the reuse of a token that was spent long ago", async () => {
    const { data } = await refresh(tokens);
    await act("mutation { logout(scope: OTHERS) { revokedSessions } }", {}, data.refreshToken as Tokens);
    await gateway.sql("update sessions set rotated_at = now() - interval '1 hour'");
    await mark();
    expect(reasonOf(await refresh(tokens))).toBe("TOKEN_REVOKED");
    expect(await events()).toEqual([
      { ...mine(), type: "REFRESH_REUSED", outcome: "failure", cause: null, actor: "user" },
    ]);
  });

  it.each([
    ["TOKEN_REVOKED", "update sessions set revoked_at = now(), revoked_reason = 'signed_out'"],
    ["TOKEN_EXPIRED", "update sessions set expires_at = now()"],
    ["USER_DEACTIVATED", "update users set is_active = false"],
    ["USER_NOT_FOUND", "delete from users"],
  ])("a refused refresh: %s, once an hour however often it is tried", async (cause, sql) => {
    await gateway.sql(sql);
    await mark();
    for (let count = 0; count < 3; count++) expect(reasonOf(await refresh(tokens))).toBe(cause);
    expect(await events()).toEqual([
      { ...mine(), type: "REFRESH_FAILED", outcome: "failure", cause, actor: "user" },
    ]);
  });

  it("a sign-out: each session that it ends", async () => {
    const second = await signIn();
    await mark();
    await act("mutation { logout(scope: ALL) { revokedSessions } }");
    expect(await summary()).toEqual(["SIGNED_OUT success  user", "SIGNED_OUT success  user"]);
    const ended = new Set((await events()).map((event) => event["session_id"]));
    expect(ended).toEqual(new Set([sessionId, idOf(second)]));
    await act("mutation { logout { revokedSessions } }");
    expect(await events()).toHaveLength(2);
  });

  it("that somebody ends one of their sessions", async () => {
    const second = await signIn();
    await mark();
    const revoke = "mutation ($id: ID!) { revokeSession(id: $id) { session { id } } }";
    await act(revoke, { id: idOf(second) });
    await act(revoke, { id: idOf(second) });
    expect(await events()).toEqual([
      {
        ...mine(),
        type: "SESSION_REVOKED",
        outcome: "success",
        cause: "BY_USER",
        actor: "user",
        session_id: idOf(second),
      },
    ]);
  });

  it("changes of what one signs in with, and the sessions that end with it", async () => {
    const second = await signIn();
    await mark();
    const { password: currentPassword } = ada;
    const { data } = await update({
      email: "ADA@example.com",
      username: "Ada",
      password: "another horse battery",
      currentPassword,
    });
    expect(await summary()).toEqual([
      "PASSWORD_CHANGED success  user",
      "EMAIL_CHANGED success  user",
      "USERNAME_CHANGED success  user",
      "SESSION_REVOKED success PASSWORD_CHANGED user",
      "SESSION_REVOKED success PASSWORD_CHANGED user",
      "SIGNED_IN success  user",
    ]);
    const [changed, , , ...sessions] = await events();
    expect(changed).toMatchObject(mine());
    expect(sessions.map(({ session_id }) => session_id)).toEqual([
      ...[idOf(tokens), idOf(second)].toSorted(),
      idOf(data.updateUser.session),
    ]);
    tokens = data.updateUser.session;
    await mark();
    await update({ email: "ADA@EXAMPLE.com", username: "Ada", bio: "I count.", fullName: "Ada" });
    expect(await events()).toEqual([]);
  });

  it("a wrong current password", async () => {
    const answer = await update({ password: "another horse battery", currentPassword: "wrong" });
    expect(errorsOf(answer)).toHaveProperty("currentPassword");
    expect(await events()).toEqual([
      { ...mine(), type: "PASSWORD_CHECK_FAILED", outcome: "failure", cause: null, actor: "user" },
    ]);
  });

  it("what an operator does by SQL", async () => {
    for (const sql of [
      "update users set is_active = false",
      "update users set is_active = true, is_staff = true",
      "update users set is_superuser = true, bio = 'I count.'",
      "update users set is_active = true, is_staff = false, is_superuser = false",
    ])
      await gateway.sql(sql);
    const [first, second] = [await signIn(), await signIn()];
    await gateway.sql("update sessions set revoked_at = now(), revoked_reason = 'abuse' where id = $1", [
      idOf(first),
    ]);
    await gateway.sql("delete from users");
    await gateway.sql(
      "insert into users (id, email, username, password_hash, is_superuser) values ($1, 'b@example.com', 'b', '', true)",
      [userId],
    );
    expect(await summary()).toEqual([
      "SESSION_REVOKED success USER_DEACTIVATED operator",
      "ACCOUNT_DEACTIVATED success  operator",
      "ACCOUNT_REACTIVATED success  operator",
      "RIGHTS_CHANGED success NOW_STAFF operator",
      "RIGHTS_CHANGED success NOW_SUPERUSER operator",
      "RIGHTS_CHANGED success NOW_NONE operator",
      "SIGNED_IN success  user",
      "SIGNED_IN success  user",
      "SESSION_REVOKED success BY_OPERATOR operator",
      "ACCOUNT_DELETED success  operator",
      "SESSION_REVOKED success DELETED operator",
      "RIGHTS_CHANGED success NOW_SUPERUSER operator",
    ]);
    const deleted = (await events()).find(({ cause }) => cause === "DELETED");
    expect(deleted).toMatchObject({ user_id: userId, session_id: idOf(second), ip: null, user_agent: null });
  });

  it("nothing that is typed or secret", async () => {
    await login({ username: ada.password, password: "wrong horse battery" });
    await login({ email: `${ada.password}@example.com`, password: "wrong horse battery" });
    await refresh(tokens);
    await update({ password: "another horse battery", currentPassword: ada.password });
    const text = JSON.stringify(await gateway.sql("select * from auth_events"));
    for (const secret of ["horse", "argon2", "eyJ", "example.com"]) expect(text).not.toContain(secret);
  });
});

const state = () =>
  gateway.sql(
    "select to_jsonb(u) as u, to_jsonb(s) as s from users u left join sessions s on s.user_id = u.id order by s.id",
  );

describe("where an event cannot be written", () => {
  beforeAll(() =>
    gateway.sql(`create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'the disk is full'; end $$`),
  );
  beforeEach(() =>
    gateway.sql("create trigger refuse before insert on auth_events for each row execute function refuse()"),
  );
  afterEach(() => gateway.sql("drop trigger refuse on auth_events"));

  it.each<[string, () => Promise<GraphqlAnswer>]>([
    [
      "register",
      () =>
        gateway.graphql("mutation ($input: RegisterInput!) { register(input: $input) { token } }", {
          input: { ...ada, email: "b@example.com", username: "b" },
        }),
    ],
    ["login", () => login({ username: "ada", password: ada.password })],
    ["login with a wrong password", () => login({ username: "ada", password: "wrong horse battery" })],
    ["login to no account", () => login({ username: "eve", password: "wrong horse battery" })],
    ["refreshToken", () => refresh(tokens)],
    ["logout", () => act("mutation { logout { revokedSessions } }")],
    [
      "revokeSession",
      () => act("mutation ($id: ID!) { revokeSession(id: $id) { session { id } } }", { id: sessionId }),
    ],
    ["updateUser", () => update({ password: "another horse battery", currentPassword: ada.password })],
    [
      "updateUser with a wrong password",
      () => update({ password: "another horse battery", currentPassword: "wrong" }),
    ],
  ])("nothing is done: %s", async (_what, operate) => {
    const before = await state();
    const { errors } = await operate();
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["INTERNAL_SERVER_ERROR"]);
    expect(await state()).toEqual(before);
  });

  it("an account stays as it is, by SQL too", async () => {
    const before = await state();
    for (const sql of [
      "update users set is_active = false",
      "update users set is_staff = true",
      "delete from users",
    ])
      await expect(gateway.sql(sql)).rejects.toThrow("the disk is full");
    expect(await state()).toEqual(before);
  });
});

describe("the event log", () => {
  it.each(["update auth_events set cause = null", "delete from auth_events", "truncate auth_events"])(
    "refuses to be changed: %s",
    async (sql) => {
      const before = await gateway.sql("select count(*) from auth_events");
      await expect(gateway.sql(sql)).rejects.toThrow(
        /^auth_events is append-only: (UPDATE|DELETE|TRUNCATE) is refused$/,
      );
      expect(await gateway.sql("select count(*) from auth_events")).toEqual(before);
    },
  );

  it("loses what is older than AUTH_EVENTS_RETENTION, batch by batch, and nothing else", async () => {
    await gateway.sql(`insert into auth_events (type, outcome, occurred_at)
      select 'SIGNED_IN', 'success', now() - interval '366 days' from generate_series(1, 600)`);
    await gateway.sql(`insert into auth_events (type, outcome, occurred_at)
      values ('SIGNED_IN', 'success', now() - interval '364 days')`);
    expect(await gateway.app.removal.removeBatch()).toBe(true);
    expect(await gateway.app.removal.removeBatch()).toBe(false);
    const ages =
      "select min(extract(day from now() - occurred_at))::int as age, count(*)::int from auth_events where id > $1";
    expect(await gateway.sql(ages, [start])).toEqual([{ age: 364, count: 1 }]);
    await expect(gateway.sql("delete from auth_events")).rejects.toThrow("append-only");
  });

  it("keeps the last day from a gateway that is not its owner, whatever it sends", async () => {
    const role = `gateway_${randomBytes(6).toString("hex")}`;
    await gateway.sql(`create role ${role};
      grant select, insert on auth_events to ${role};
      grant select, insert, update, delete on users, sessions, session_revocations, token_revocations, released_names to ${role};
      grant execute on function gatehouse_remove_old_events to ${role};
      insert into auth_events (type, outcome, occurred_at) values ('SIGNED_IN', 'success', now() - interval '25 hours')`);
    const asGateway = (sql: string) => gateway.sql(`set role ${role}; ${sql}`);
    for (const sql of [
      "delete from auth_events",
      "set gatehouse.removes_old_events = 'on'; delete from auth_events",
      "truncate auth_events",
    ])
      await expect(asGateway(sql)).rejects.toThrow("permission denied for table auth_events");
    await asGateway("select gatehouse_remove_old_events(0, 1000)");
    await asGateway(`create temporary table auth_events (like public.auth_events including all);
      update users set is_superuser = true; delete from users`);
    expect(await summary()).toEqual([
      "RIGHTS_CHANGED success NOW_SUPERUSER operator",
      "ACCOUNT_DELETED success  operator",
      "SESSION_REVOKED success DELETED operator",
    ]);
    await gateway.sql(`drop owned by ${role}; drop role ${role}`);
  });
});
