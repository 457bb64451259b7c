import { afterAll, beforeAll, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import { randomBytes, randomUUID } from "node:crypto";
import { migratorOf } from "../src/persistence/migrations.ts";
import { createOrm } from "../src/persistence/orm.ts";
import { asSuperuser, createDatabase, dropDatabase, query } from "./support/database.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf } from "./support/operations.ts";

const lastOfPreviousRelease = "20261123110000_open_session";
const secret = "a secret of thirty-two bytes or more";
const password = "correct horse battery";
const userId = randomUUID();
/** The session was refreshed once by the previous release; the other one was never refreshed. */
const [refreshed, fresh, ended] = [randomUUID(), randomUUID(), randomUUID()];
/** The previous release serves as this role; the migrations run as the owner. */
const role = `gateway_${randomBytes(6).toString("hex")}`;

let url: string;
let gateway: Gateway;

const sql = <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  query<Row>(url, text, values);

/** Tokens as the previous release signs them. */
function tokensOf(sid: string, gen: number): { token: string; refreshToken: string } {
  const issued = { sub: userId, sid, iss: "gatehouse" };
  const sign = (claims: object, typ: string, expiresIn: string) =>
    jwt.sign({ ...issued, ...claims }, secret, {
      header: { alg: "HS256", typ },
      expiresIn,
    } as jwt.SignOptions);
  return {
    token: sign({ aud: "gatehouse", jti: `${sid}.${gen}` }, "at+jwt", "15m"),
    refreshToken: sign({ aud: "gatehouse/refresh", gen }, "rt+jwt", "60d"),
  };
}

const me = ({ token }: { token: string }) =>
  gateway.graphql("{ me { email username } }", {}, `Token ${token}`);
const refresh = ({ refreshToken }: { refreshToken: string }) =>
  gateway.graphql(
    "mutation ($old: JWT!) { refreshToken(refreshToken: $old) { token refreshToken user { username } } }",
    { old: refreshToken },
  );

const login = (names: object) =>
  gateway.graphql("mutation ($input: LoginInput!) { login(input: $input) { user { email username } } }", {
    input: { ...names, password },
  });

beforeAll(async () => {
  const other = await startGateway();
  const passwordHash = await other.app.hasher.hash(password);
  await other.close();
  url = await createDatabase("template0");
  const orm = createOrm(url, { info: () => {} });
  await (await migratorOf(orm)).up({ to: lastOfPreviousRelease });
  await orm.close();
  await sql(
    "insert into users (id, email, username, password_hash) values ($1, 'Ada@example.com', 'Ada', $2)",
    [userId, passwordHash],
  );
  await query(asSuperuser(url), `create role ${role}`);
  await sql(`
    grant select, insert, update, delete on users, sessions, session_revocations, signing_keys, attempts to ${role};
    grant select, insert on auth_events to ${role}`);
  for (const id of [refreshed, fresh, ended])
    await sql("select gatehouse_open_session($1, $2, 50, 5184000, 5184000, '192.0.2.1', 'Firefox')", [
      id,
      userId,
    ]);
  await sql(
    "update sessions set refresh_generation = 1, rotated_at = now() - interval '1 hour' where id = $1",
    [refreshed],
  );
  await sql("update sessions set revoked_at = now(), revoked_reason = 'signed_out' where id = $1", [ended]);
  gateway = await startGateway({ DATABASE_URL: url, JWT_ALGORITHM: "HS256", JWT_SECRET: secret });
});
afterAll(async () => {
  await gateway.close();
  await query(asSuperuser(url), `drop owned by ${role}; drop role ${role}`);
  await dropDatabase(url);
});

it("keeps the accounts of the previous release", async () => {
  const account = { email: "Ada@example.com", username: "Ada" };
  for (const names of [{ email: "ADA@EXAMPLE.COM" }, { username: "ada" }])
    expect((await login(names)).data).toEqual({ login: { user: account } });
});

it("keeps its sessions signed in, by access and by refresh token", async () => {
  for (const [session, generation] of [
    [refreshed, 1],
    [fresh, 0],
  ] as const) {
    const old = tokensOf(session, generation);
    expect((await me(old)).data).toEqual({ me: { email: "Ada@example.com", username: "Ada" } });
    const { data, errors } = await refresh(old);
    expect(errors).toBeUndefined();
    expect((await me(data.refreshToken)).data.me.username).toBe("Ada");
  }
});

it("keeps its ended sessions ended, and takes a token that it spent for stolen", async () => {
  expect(reasonOf(await me(tokensOf(ended, 0)))).toBe("TOKEN_REVOKED");
  expect(reasonOf(await refresh(tokensOf(ended, 0)))).toBe("TOKEN_REVOKED");
  expect(reasonOf(await refresh(tokensOf(refreshed, 0)))).toBe("TOKEN_REVOKED");
  expect(await sql("select revoked_reason from sessions where id = $1", [refreshed])).toEqual([
    { revoked_reason: "refresh_token_reused" },
  ]);
});

it("lets its replicas sign people in and up while both run", async () => {
  await sql(
    "insert into users (id, email, username, password_hash) values ($1, 'bob@example.com', 'Bob', 'x')",
    [randomUUID()],
  );
  await sql("update users set email = 'Robert@example.com' where username = 'Bob'");
  expect(await sql("select email_key, username_key from users where username = 'Bob'")).toEqual([
    { email_key: "robert@example.com", username_key: "bob" },
  ]);
  const later = randomUUID();
  await sql("select gatehouse_open_session($1, $2, 50, 5184000, 5184000, null, null)", [later, userId]);
  expect((await me(tokensOf(later, 0))).errors).toBeUndefined();
});

it("lets replicas of a role that does not own the tables go on while both run", async () => {
  const asRole = (text: string) => query(asSuperuser(url), `begin; set local role ${role}; ${text}; commit`);
  const later = randomUUID();
  await asRole(`select gatehouse_open_session('${later}', '${userId}', 50, 5184000, 5184000, null, null)`);
  expect((await me(tokensOf(later, 0))).errors).toBeUndefined();
  await asRole(`update users set email = 'lady@example.com' where id = '${userId}'`);
  await asRole(`update users set is_active = false where id = '${userId}'`);
  expect(reasonOf(await me(tokensOf(later, 0)))).toBe("USER_DEACTIVATED");
});
