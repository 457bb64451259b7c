import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { decodeJwt } from "jose";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { startStatementRelay } from "./support/statement-relay.ts";
import { until } from "./support/until.ts";

const hour = 3600;
const day = 24 * hour;

let gateway: Gateway;
/** Another replica on the same database. */
let other: Gateway;
const environment = {
  SESSION_IDLE_TTL: "1d",
  SESSION_ABSOLUTE_TTL: "90d",
  MAX_SESSIONS_PER_USER: "5",
};
beforeAll(async () => {
  gateway = await startGateway(environment);
  other = await startReplica(gateway, { ...environment });
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users, session_revocations cascade");
  tokens = await register(gateway, ada);
});

const idOf = ({ token }: Pick<Tokens, "token">) => decodeJwt<{ sid: string }>(token).sid;
const me = ({ token }: Pick<Tokens, "token">, at = gateway) =>
  at.graphql("{ me { username } }", {}, `Token ${token}`);
const refresh = ({ refreshToken }: Tokens) =>
  gateway.graphql(
    "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token expiresAt refreshToken refreshTokenExpiresAt } }",
    { t: refreshToken },
  );
const login = async (at = gateway): Promise<Tokens> => {
  const { data } = await at.graphql(
    "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }",
    { input: { username: "ada", password: ada.password } },
  );
  return data.login as Tokens;
};
/** Seconds from now, rounded: since the last use, to the end of the session and of its refresh token. */
const times = async () => {
  const [row] = await gateway.sql<{ unused: number; ends: number; refresh: number }>(
    `select round(extract(epoch from now() - last_used_at) / 10)::int * 10 as unused,
       round(extract(epoch from expires_at - now()) / 10)::int * 10 as ends,
       round(extract(epoch from refresh_expires_at - now()) / 10)::int * 10 as refresh
     from sessions order by id limit 1`,
  );
  return row;
};
/** As if so many seconds had passed since. */
const age = (seconds: number) =>
  gateway.sql(
    `update sessions set created_at = created_at - i, rotated_at = rotated_at - i, last_used_at = last_used_at - i,
       expires_at = expires_at - i, refresh_expires_at = refresh_expires_at - i
     from make_interval(secs => $1) i`,
    [seconds],
  );

const states = () =>
  gateway.sql<{ id: string; reason: string | null }>(
    "select id, revoked_reason as reason from sessions order by created_at, id",
  );

const counts = async () => {
  const [row] = await gateway.sql(
    "select (select count(*)::int from sessions) as sessions, (select count(*)::int from session_revocations) as revocations",
  );
  return row;
};
/** So many copies of the only session, changed. */
const copy = (count: number, changes: string) =>
  gateway.sql(
    `insert into sessions (id, user_id, refresh_expires_at, expires_at, revoked_at)
       select gen_random_uuid(), user_id, ${changes} from sessions, generate_series(1, ${count})`,
  );

describe("a session", () => {
  it("ends when it is not used for SESSION_IDLE_TTL, its tokens with it (ASVS V7.3.1)", async () => {
    expect(await times()).toEqual({ unused: 0, ends: day, refresh: 60 * day });
    expect(decodeJwt(tokens.refreshToken)).toMatchObject({
      exp: (decodeJwt(tokens.refreshToken).iat ?? 0) + 60 * day,
    });
    await age(day - 60);
    expect((await me(tokens)).errors).toBeUndefined();
    await gateway.sql("update sessions set expires_at = now()");
    expect(reasonOf(await me(tokens))).toBe("TOKEN_EXPIRED");
    expect(reasonOf(await refresh(tokens))).toBe("TOKEN_EXPIRED");
  });

  it("is kept by use, and knows when that was, to the minute", async () => {
    await age(10 * hour);
    await me(tokens);
    await gateway.app.lastUse.flush();
    expect(await times()).toEqual({ unused: 0, ends: day, refresh: 60 * day - 10 * hour });
    // Within a minute nothing is written.
    await age(50);
    const before = await gateway.sql("select xmin::text, last_used_at from sessions");
    await Promise.all([me(tokens), me(tokens, other)]);
    await Promise.all([gateway.app.lastUse.flush(), other.app.lastUse.flush()]);
    expect(await gateway.sql("select xmin::text, last_used_at from sessions")).toEqual(before);
    // Where the minute would be over before it is written, it is.
    await age(6);
    await me(tokens);
    await gateway.app.lastUse.flush();
    expect((await times())?.unused).toBe(0);
  });

  it("is kept by a use in its last seconds before that is answered", async () => {
    await age(day - 10);
    expect((await me(tokens)).errors).toBeUndefined();
    expect(await times()).toEqual({ unused: 0, ends: day, refresh: 59 * day + 10 });
  });

  it("costs a request one statement, and none while it is in memory", async () => {
    const relay = await startStatementRelay(gateway.databaseUrl);
    // Apart from them nothing asks the database: there are no keys to look at.
    const counted = await startReplica(gateway, {
      ...environment,
      JWT_ALGORITHM: "HS256",
      DATABASE_URL: relay.url,
    });
    const { token } = await login(counted);
    const costs = async () => {
      relay.statements.splice(0);
      expect((await me({ token }, counted)).errors).toBeUndefined();
      return relay.statements.splice(0);
    };
    expect(await costs()).toEqual([expect.stringContaining("from users u left join sessions s")]);
    await until(async () => (await costs()).length === 0);
    await counted.close();
    await relay.close();
  });

  it("has its use written within seconds, without more being asked of it", async () => {
    const brisk = await startReplica(gateway, { ...environment, SESSION_IDLE_TTL: "20s" });
    await age(10 * hour);
    await me(tokens, brisk);
    await until(async () => (await times())?.unused === 0);
    expect((await times())?.ends).toBe(20);
    await brisk.close();
  });

  it("is written once where two replicas saw it, and never moved back", async () => {
    await age(10 * hour);
    await me(tokens);
    await me(tokens, other);
    await gateway.app.lastUse.flush();
    const written = await gateway.sql("select xmin::text from sessions");
    await other.app.lastUse.flush();
    expect(await gateway.sql("select xmin::text from sessions")).toEqual(written);
  });

  it("keeps its use over a database that cannot be written", async () => {
    await age(10 * hour);
    await me(tokens);
    await gateway.sql("alter table sessions rename to elsewhere");
    await gateway.app.lastUse.flush();
    await gateway.sql("alter table elsewhere rename to sessions");
    expect((await times())?.unused).toBe(10 * hour);
    await gateway.app.lastUse.flush();
    expect((await times())?.unused).toBe(0);
  });

  it("is not called back by a use from before it was ended", async () => {
    await age(10 * hour);
    await me(tokens);
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${tokens.token}`);
    await gateway.app.lastUse.flush();
    expect((await times())?.unused).toBe(10 * hour);
    expect(reasonOf(await me(tokens))).toBe("TOKEN_REVOKED");
  });

  it("writes the uses of its last seconds when the gateway stops", async () => {
    const leaving = await startReplica(gateway, { ...environment });
    await age(10 * hour);
    await me(tokens, leaving);
    await leaving.close();
    expect((await times())?.unused).toBe(0);
  });

  it("does not outlive SESSION_ABSOLUTE_TTL, however often it is refreshed (ASVS V7.3.2, V10.4.8)", async () => {
    let present = tokens;
    for (const [days, refreshEnd] of [
      [20, 60],
      [20, 50],
      [20, 30],
      [20, 10],
    ] as const) {
      await gateway.sql("update sessions set expires_at = refresh_expires_at");
      await age(days * day);
      present = (await refresh(present)).data.refreshToken;
      expect(await times()).toEqual({ unused: 0, ends: day, refresh: refreshEnd * day });
    }
    await gateway.sql("update sessions set expires_at = refresh_expires_at");
    await age(10 * day - 60);
    const { data } = await refresh(present);
    const end = Date.parse(data.refreshToken.refreshTokenExpiresAt);
    expect(end - Date.now()).toBeLessThan(61_000);
    expect(data.refreshToken.expiresAt).toBe(data.refreshToken.refreshTokenExpiresAt);
    expect(decodeJwt(data.refreshToken.token).exp).toBe(end / 1000);
    // Nor when the limit was longer at the last refresh.
    await gateway.sql("update sessions set created_at = now() - interval '90 days'");
    expect(reasonOf(await refresh(data.refreshToken))).toBe("TOKEN_EXPIRED");
  });
});

describe("MAX_SESSIONS_PER_USER", () => {
  it("ends the oldest sign-in with the one that is too many", async () => {
    const stranger = await register(gateway, { ...ada, email: "b@example.com", username: "b" });
    const second = await login();
    for (let count = 0; count < 4; count++) await login();
    expect(reasonOf(await me(tokens, other))).toBe("TOKEN_REVOKED");
    expect((await me(second)).errors).toBeUndefined();
    expect((await me(stranger)).errors).toBeUndefined();
    expect((await states()).filter(({ reason }) => reason !== null)).toEqual([
      { id: idOf(tokens), reason: "too_many_sessions" },
    ]);
  });

  it("does not count what has ended", async () => {
    for (let count = 0; count < 4; count++) await login();
    await gateway.sql("update sessions set expires_at = now() where id <> $1", [idOf(tokens)]);
    for (let count = 0; count < 4; count++) await login();
    expect((await me(tokens)).errors).toBeUndefined();
  });

  it("holds for sign-ins that wait for one another: each counts those before it", async () => {
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%gatehouse_open_session%'`;
    const signIns = await gateway.app.orm.em.fork().transactional(async (em) => {
      await em.execute("select from users for no key update");
      const begun = Array.from({ length: 8 }, () => login());
      await until(async () => (await other.sql(waiting)).length === 8);
      return { begun };
    });
    await Promise.all(signIns.begun);
    const all = await states();
    expect(all).toHaveLength(9);
    expect(all.filter(({ reason }) => reason === null)).toHaveLength(5);
  });

  it("holds for twenty sign-ins at once on two replicas, and the feed hears of each that ended", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => login(index % 2 ? other : gateway)),
    );
    expect(answers.filter((answer) => !answer)).toEqual([]);
    const all = await states();
    expect(all).toHaveLength(21);
    const ended = all.filter(({ reason }) => reason === "too_many_sessions");
    expect(all.length - ended.length).toBe(5);
    expect(await gateway.sql("select session_id as id from session_revocations order by 1")).toEqual(
      ended.map(({ id }) => ({ id })).toSorted((one, two) => (one.id < two.id ? -1 : 1)),
    );
  });
});

describe("the removal of ended sessions", () => {
  it("takes what has run out, and what ended a day ago, and tells nobody", async () => {
    await copy(3, "now() - interval '1 second', now() - interval '1 second', null");
    await copy(3, "now() + interval '1 day', now(), now() - interval '2 days'");
    await copy(3, "now() + interval '1 day', now() - interval '2 days', null");
    await gateway.sql(
      "delete from sessions where revoked_at is not null and revoked_at > now() - interval '1 day'",
    );
    await gateway.sql(
      "insert into session_revocations values (gen_random_uuid(), now() - interval '1 hour')",
    );
    await gateway.app.removal.removeBatch();
    expect(await counts()).toEqual({ sessions: 1, revocations: 0 });
    expect((await me(tokens)).errors).toBeUndefined();
  });

  it("leaves what may be of use", async () => {
    await login();
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${tokens.token}`);
    await copy(1, "now() + interval '1 day', now() - interval '1 day', null");
    await copy(1, "now() + interval '1 day', now(), now() - interval '1 day'");
    const before = await counts();
    expect(await gateway.app.removal.removeBatch()).toBe(false);
    expect(await counts()).toEqual(before);
  });

  it("goes by batches, and is for one replica at a time", async () => {
    await copy(1_300, "now() - interval '1 second', now() - interval '1 second', null");
    const batches: boolean[] = [];
    const [first, second] = await Promise.all([
      gateway.app.removal.removeBatch(),
      other.app.removal.removeBatch(),
    ]);
    batches.push(first || second);
    const { sessions } = (await counts()) as { sessions: number };
    expect([1_301 - 500, 1_301 - 1_000]).toContain(sessions);
    while (await gateway.app.removal.removeBatch()) batches.push(true);
    expect(batches.length).toBeLessThanOrEqual(3);
    expect(await counts()).toEqual({ sessions: 1, revocations: 0 });
  });

  it("begins by itself within a minute and a half, and ends when all is gone", async () => {
    await copy(1_300, "now() - interval '1 second', now() - interval '1 second', null");
    jest.useFakeTimers({
      advanceTimers: true,
      doNotFake: ["performance", "Date", "setInterval", "setImmediate"],
    });
    const third = await startReplica(gateway, { ...environment });
    jest.advanceTimersByTime(90_000);
    jest.useRealTimers();
    await until(async () => (await counts())?.["sessions"] === 1);
    await third.close();
  });

  it("does nothing while another has the lock", async () => {
    await copy(3, "now() - interval '1 second', now() - interval '1 second', null");
    await other.app.orm.em.fork().transactional(async (em) => {
      await em.execute("select pg_advisory_xact_lock(7220418037)");
      expect(await gateway.app.removal.removeBatch()).toBe(false);
    });
    expect(await counts()).toMatchObject({ sessions: 4 });
  });

  it("does not wait for a session that is in use", async () => {
    await gateway.sql("update sessions set refresh_expires_at = now(), expires_at = now()");
    await other.app.orm.em.fork().transactional(async (em) => {
      await em.execute("select from sessions for update");
      await gateway.app.removal.removeBatch();
    });
    expect(await counts()).toMatchObject({ sessions: 1 });
    await gateway.app.removal.removeBatch();
    expect(await counts()).toEqual({ sessions: 0, revocations: 0 });
  });
});
