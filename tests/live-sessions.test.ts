import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { query } from "./support/database.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { startListenerRelay } from "./support/listener-relay.ts";
import type { ListenerRelay } from "./support/listener-relay.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { until } from "./support/until.ts";

/** Reached directly. */
let other: Gateway;
/** Reached by the relay, so that what it asks the database is seen. */
let gateway: Gateway;
let relay: ListenerRelay;
beforeAll(async () => {
  other = await startGateway();
  relay = await startListenerRelay(other.databaseUrl);
  gateway = await startReplica(other, { DATABASE_URL: relay.url, MAX_SESSIONS_PER_USER: "2" });
});
afterAll(async () => {
  await gateway.close();
  await relay.close();
  await other.close();
});

let people = 0;
let username: string;
let tokens: Tokens;
const newPerson = async () => {
  username = `person${++people}`;
  tokens = await register(other, { email: `${username}@b.co`, username, password: "correct horse" });
};
beforeEach(newPerson);

const idOf = ({ token }: Tokens) => decodeJwt(token).sub ?? "";
const sidOf = ({ token }: Tokens) => decodeJwt<{ sid: string }>(token).sid;
const send = (text: string, from = gateway, { token } = tokens) => from.graphql(text, {}, `Token ${token}`);
const me = (from = gateway, who = tokens) => send("{ me { username fullName } }", from, who);
const nameOf = async (from = gateway) => (await me(from)).data.me?.fullName;
const rename = (name: string, from: Gateway) =>
  send(`mutation { updateUser(input: { fullName: "${name}" }) { user { id } } }`, from);
const login = async (from: Gateway): Promise<Tokens> =>
  (
    await from.graphql(
      `mutation { login(input: { username: "${username}", password: "correct horse" }) { token refreshToken } }`,
    )
  ).data.login;
/** By nobody whom the gateway knows, and without waiting until it has heard of it. */
const operator = (text: string, values?: unknown[]) => query(other.databaseUrl, text, values);
/** What a request asks about users and sessions. */
const asked = () => relay.statements.splice(0).filter((text) => text.includes("from users u left join"));
const queriesOf = async (requests: () => Promise<unknown>) => {
  asked();
  await requests();
  return asked().length;
};
const warm = (who = tokens) => until(async () => (await queriesOf(() => me(gateway, who))) === 0);
const isHeard = () => gateway.app.notifications.isHeard(performance.now());

/** While nothing else is heard, and that is not known yet: only the connection that made the change can have told it. */
const deafened = async (change: () => Promise<void>) => {
  for (let isProof = false; !isProof; await until(isHeard)) {
    await newPerson();
    await warm();
    relay.silenceListener();
    await change();
    isProof = isHeard();
    relay.cutListener();
  }
};

/** Each request asks, and so sees what has just happened. */
const expectToAsk = async () => {
  expect(await queriesOf(() => me())).toBe(1);
  expect(await queriesOf(() => me())).toBe(1);
  await operator("update users set full_name = 'Now' where id = $1", [idOf(tokens)]);
  expect(await nameOf()).toBe("Now");
  await send("mutation { logout { revokedSessions } }", other);
  expect(reasonOf(await me())).toBe("TOKEN_REVOKED");
};

describe("what a request knows already", () => {
  it("is asked once, by however many at once, and then no more", async () => {
    await warm();
    gateway.app.liveSessions.forget("*");
    expect(await queriesOf(() => Promise.all(Array.from({ length: 20 }, () => me())))).toBe(1);
    await until(
      async () => (await queriesOf(() => Promise.all(Array.from({ length: 20 }, () => me())))) === 0,
    );
    const headers = { authorization: `Bearer ${tokens.token}` };
    const verify = async () =>
      expect((await fetch(`${gateway.url}/auth/verify`, { headers })).status).toBe(200);
    await until(async () => (await queriesOf(verify)) === 0);
  });

  it("is no refusal", async () => {
    await operator("update sessions set expires_at = now() - interval '1 day' where user_id = $1", [
      idOf(tokens),
    ]);
    expect(reasonOf(await me())).toBe("TOKEN_EXPIRED");
    await operator("update sessions set expires_at = now() + interval '1 day' where user_id = $1", [
      idOf(tokens),
    ]);
    expect((await me()).data.me).toMatchObject({ username });
  });

  it("ends with the key that its token was signed with", async () => {
    await warm();
    const { kid = "" } = decodeProtectedHeader(tokens.token);
    await other.app.keyRotation?.retire(kid);
    await until(async () => (await me()).errors !== undefined);
    expect(reasonOf(await me())).toBe("TOKEN_INVALID");
  });

  it("is the user's own, whoever shows a token of theirs with another session", async () => {
    const stranger = await register(other, { email: "s@b.co", username: "s", password: "correct horse" });
    await warm();
    await warm(stranger);
    const { liveSessions } = gateway.app;
    const token = { userId: idOf(tokens), sessionId: sidOf(tokens), generation: 0, expiresAt: 1 };
    expect(liveSessions.find(token)?.user.username).toBe(username);
    expect(liveSessions.find({ ...token, userId: idOf(stranger) })).toBeUndefined();
  });

  it("is shared between requests, so nobody can write to it", async () => {
    await warm();
    const caller = gateway.app.liveSessions.find({
      userId: idOf(tokens),
      sessionId: sidOf(tokens),
      generation: 0,
      expiresAt: 1,
    });
    expect([Object.isFrozen(caller), Object.isFrozen(caller?.user)]).toEqual([true, true]);
    expect(caller?.expiresAt).toEqual(new Date(1000));
  });
});

describe("a change by the replica itself", () => {
  it("shows at the next request: the profile", () =>
    deafened(async () => {
      for (const name of ["A", "B", "C"]) {
        await rename(name, gateway);
        expect(await nameOf()).toBe(name);
      }
    }));

  it("shows at the next request, also where another has read what was before it was committed", () =>
    deafened(async () => {
      await gateway.app.orm.em.fork().transactional(async (em) => {
        await em.execute("update users set full_name = 'New' where id = ?", [idOf(tokens)]);
        gateway.app.liveSessions.forget("*");
        await warm();
        expect(await nameOf()).toBe(null);
        await em.execute("select 1");
      });
      expect(await nameOf()).toBe("New");
    }));

  it("is told by a connection that does not listen: PostgreSQL wakes whoever does for each change", async () => {
    await Promise.all(
      Array.from({ length: 20 }, () => gateway.app.orm.em.fork().execute("select pg_sleep(0.1)")),
    );
    const channels = await Promise.all(
      Array.from({ length: 20 }, () =>
        gateway.app.orm.em.fork().execute("select pg_listening_channels(), pg_sleep(0.1)"),
      ),
    );
    expect(channels.flat()).toEqual([]);
  });

  it.each([
    ["logout", "mutation { logout { revokedSessions } }"],
    ["logout of all", "mutation { logout(scope: ALL) { revokedSessions } }"],
    ["revokeSession", "mutation ($sid: ID!) { revokeSession(id: $sid) { session { id } } }"],
    ["a new password", 'mutation { updateUser(input: { password: "another horse" }) { user { id } } }'],
  ])("bites at the next request: %s", (how, text) =>
    deafened(async () => {
      const by = how === "logout" ? tokens : await login(gateway);
      const { errors } = await gateway.graphql(text, { sid: sidOf(tokens) }, `Token ${by.token}`);
      expect(errors).toBeUndefined();
      expect(reasonOf(await me())).toBe("TOKEN_REVOKED");
    }),
  );

  it("bites at the next request: reuse of a refresh token, and the sign-in that is too many", () =>
    deafened(async () => {
      await operator("update sessions set refresh_generation = 5 where id = $1", [sidOf(tokens)]);
      const refresh = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }";
      expect(reasonOf(await gateway.graphql(refresh, { t: tokens.refreshToken }))).toBe("TOKEN_REVOKED");
      expect(reasonOf(await me())).toBe("TOKEN_REVOKED");

      const [first, second] = [await login(gateway), await login(gateway)];
      expect((await me(gateway, first)).errors).toBeUndefined();
      await login(gateway);
      expect(reasonOf(await me(gateway, first))).toBe("TOKEN_REVOKED");
      expect((await me(gateway, second)).errors).toBeUndefined();
    }));
});

describe("a change by another, soon after", () => {
  const changed: [string, string, string][] = [
    ["deactivation", "update users set is_active = false where id = $1", "USER_DEACTIVATED"],
    ["deletion of the user", "delete from users where id = $1", "USER_NOT_FOUND"],
    ["an end", "update sessions set revoked_at = now() where user_id = $1", "TOKEN_REVOKED"],
    ["deletion of the session", "delete from sessions where user_id = $1", "TOKEN_REVOKED"],
    ["an earlier end", "update sessions set expires_at = now() where user_id = $1", "TOKEN_EXPIRED"],
    ["truncate", "begin; truncate sessions; commit", "TOKEN_REVOKED"],
  ];
  it.each(changed)("bites: %s, by SQL", async (_what, text, reason) => {
    await warm();
    await operator(text, text.includes("$1") ? [idOf(tokens)] : undefined);
    await until(async () => (await me()).errors !== undefined, 5_000);
    expect(reasonOf(await me())).toBe(reason);
  });

  it("bites: logout, by another replica", async () => {
    await warm();
    await send("mutation { logout { revokedSessions } }", other);
    await until(async () => (await me()).errors !== undefined, 5_000);
  });

  it("shows: the profile, and when the password was last shown", async () => {
    await warm();
    await rename("Ada", other);
    await until(async () => (await nameOf()) === "Ada", 5_000);
    await warm();
    await operator(
      "update sessions set authenticated_at = now() - interval '11 minutes' where user_id = $1",
      [idOf(tokens)],
    );
    const change = 'mutation { updateUser(input: { password: "another horse" }) { user { id } } }';
    await until(async () => (await send(change)).errors !== undefined, 5_000);
  });

  it("is not undone by a look that began before it", async () => {
    await warm();
    const { liveSessions } = gateway.app;
    liveSessions.forget("*");
    relay.hold();
    const began = me();
    await until(() => relay.held > 0);
    const { version } = liveSessions;
    await operator("update users set is_active = false where id = $1", [idOf(tokens)]);
    await until(() => liveSessions.version !== version);
    asked();
    const later = me();
    // It does not wait for the look of the one before.
    await until(() => asked().length > 0);
    relay.letGo();
    expect((await began).errors).toBeUndefined();
    expect(reasonOf(await later)).toBe("USER_DEACTIVATED");
    expect(reasonOf(await me())).toBe("USER_DEACTIVATED");
  });
});

describe("while nothing is heard", () => {
  it("because the connection was cut, each request asks until it is back", async () => {
    await warm();
    relay.listener = "refused";
    await operator(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'gatehouse listener' and datname = current_database()`,
    );
    await until(() => !isHeard());
    await expectToAsk();
    relay.listener = "heard";
    await newPerson();
    await warm();
  });

  it("because the connection has died without a word, each request asks until it is opened anew", async () => {
    await warm();
    relay.silenceListener();
    await until(() => !isHeard());
    await expectToAsk();
    await newPerson();
    const start = performance.timeOrigin - 11_000;
    const clock = jest.spyOn(performance, "now").mockImplementation(() => Date.now() - start);
    try {
      await warm();
    } finally {
      clock.mockRestore();
    }
  });

  it("because a pooler swallows LISTEN, each request asks", async () => {
    relay.listener = "listen is swallowed";
    relay.cutListener();
    const swallowed = `select from pg_stat_activity where application_name = 'gatehouse listener' and query like 'select 1 %'`;
    await until(async () => (await operator(swallowed)).length > 0);
    expect(await gateway.app.notifications.caughtUp()).toBe(false);
    await expectToAsk();
    relay.listener = "heard";
    relay.cutListener();
    await newPerson();
    await warm();
  });
});
