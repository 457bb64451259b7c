import { Client } from "pg";
import { SessionTokens } from "../../src/security/session-tokens.ts";
import { sharedSecret } from "../../src/security/token-keys.ts";
import type { Tokens } from "./operations.ts";

export interface PopulationSize {
  users: number;
  /** In all, each user has as many as any other. */
  sessions: number;
}

/** SQL: an id as version 7 makes them, the later the larger (RFC 9562, 5.7), of a number and a name for what it is of. */
const idOf = (kind: string, number: string) =>
  `(lpad(to_hex(1700000000000 + ${number}), 12, '0') || '7000b' || substr(md5('${kind}' || ${number}), 1, 15))::uuid`;

/** SQL: the number of the user that has the session of a number. */
const ownerOf = (session: string, users: number) => `(1 + (${session} - 1) % ${users})`;

/** Usernames are `user1` and so on. */
export const usernameOf = (number: number) => `user${number}`;

/** The tables that grow with the number of users and sessions: each sign-in is recorded, and attempts at it are counted. */
const insertions = ({ users, sessions }: PopulationSize, passwordHash: string) => ({
  users: `
    insert into users (id, email, username, password_hash)
    select ${idOf("user", "n")}, 'user' || n || '@example.com', 'user' || n, '${passwordHash}'
    from generate_series(1, ${users}) n`,
  sessions: `
    insert into sessions (id, user_id, expires_at, refresh_expires_at, ip, user_agent)
    select ${idOf("session", "n")}, ${idOf("user", ownerOf("n", users))}, now() + interval '60 days',
      now() + interval '60 days', '192.0.2.1', 'Mozilla/5.0 (X11; Linux x64; rv:140.0) Gecko/20100101 Firefox/140.0'
    from generate_series(1, ${sessions}) n`,
  auth_events: `
    insert into auth_events (type, outcome, user_id, session_id, ip)
    select 'SIGNED_IN', 'success', ${idOf("user", ownerOf("n", users))}, ${idOf("session", "n")}, '192.0.2.1'
    from generate_series(1, ${sessions}) n`,
  attempts: `
    insert into attempts (key, points, expire)
    select 'account:' || md5(n::text), 1, extract(epoch from now() + interval '1 hour') * 1000
    from generate_series(1, ${users}) n`,
});

export const populatedTables = Object.keys(insertions({ users: 0, sessions: 0 }, ""));

/** Fills the tables of a migrated database, all at once. */
export async function populate(
  databaseUrl: string,
  size: PopulationSize,
  passwordHash: string,
): Promise<void> {
  const filling = Object.entries(insertions(size, passwordHash)).map(([table, insertion]) =>
    fill(databaseUrl, table, insertion),
  );
  await Promise.all(filling);
}

/** The secondary indexes are made anew afterwards, as the migrations made them: that is faster. */
async function fill(databaseUrl: string, table: string, insertion: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `select indexname as name, indexdef as definition from pg_indexes
       where schemaname = current_schema() and tablename = $1 and indexname not in (select conname from pg_constraint)`,
      [table],
    );
    // As replication does it: without looking at what a row refers to, which may come later.
    await client.query("set session_replication_role = replica");
    await client.query("set maintenance_work_mem = '256MB'");
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    await client.query(insertion);
    for (const { definition } of indexes) await client.query(definition);
    await client.query(`vacuum analyze ${table}`);
  } finally {
    await client.end();
  }
}

/** Good tokens of sessions, by number from 1, of a gateway with JWT_ALGORITHM=HS256 and this secret. */
export async function tokensOf(
  databaseUrl: string,
  { users }: PopulationSize,
  jwtSecret: string,
  numbers: readonly number[],
): Promise<Tokens[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ sid: string; uid: string }>(
    `select ${idOf("session", "n")} as sid, ${idOf("user", ownerOf("n", users))} as uid
     from unnest($1::int[]) with ordinality as wanted (n, place) order by place`,
    [numbers],
  );
  await client.end();
  const tokens = new SessionTokens({
    keys: sharedSecret(jwtSecret),
    issuer: "gatehouse",
    audience: "gatehouse",
    forwardAuthAudience: "gatehouse/upstream",
  });
  const issuedAt = Math.floor(Date.now() / 1000);
  const lifetime = { issuedAt, expiresAt: issuedAt + 3600 };
  return rows.map(({ sid: sessionId, uid: userId }) => ({
    token: tokens.signAccess({ userId, sessionId, jti: `${sessionId}.0` }, lifetime, {}),
    refreshToken: tokens.signRefresh({ userId, sessionId, generation: 0 }, lifetime),
  }));
}
