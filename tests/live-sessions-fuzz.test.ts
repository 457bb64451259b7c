import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { array, assert, asyncProperty, constantFrom, nat, record } from "fast-check";
import type { Arbitrary } from "fast-check";
import { decodeJwt } from "jose";
import { query } from "./support/database.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { until } from "./support/until.ts";

let replicas: [Gateway, Gateway];
beforeAll(async () => {
  const first = await startGateway({ MAX_SESSIONS_PER_USER: "3" });
  replicas = [first, await startReplica(first, { MAX_SESSIONS_PER_USER: "3" })];
});
afterAll(async () => {
  await replicas[1].close();
  await replicas[0].close();
});

const password = "correct horse battery";
const sql = (text: string, values: unknown[] = []) =>
  query<Record<string, unknown>>(replicas[0].databaseUrl, text, values);

/** What somebody asks for, whatever comes of it; numbers choose among those whom there are. */
const steps = [
  "login",
  "rename",
  "new password",
  "refresh",
  "refresh again",
  "revokeSession",
  "logout CURRENT",
  "logout OTHERS",
  "logout ALL",
  "deactivate",
  "activate",
  "delete",
  "end",
  "kill a listener",
  "nothing",
] as const;
const step = record({
  what: constantFrom(...steps),
  replica: constantFrom(0 as const, 1 as const),
  by: nat(11),
  of: nat(11),
});
type Step = typeof step extends Arbitrary<infer T> ? T : never;

let people = 0;
let names = 0;

/** Of each session what is answered, as the database has it: a name, or the reason of a refusal. */
async function truth(sessions: readonly Tokens[]): Promise<string[]> {
  const rows = await sql(
    `select u.id, u.is_active, u.full_name, s.id is null or s.revoked_at is not null as revoked
     from unnest($1::uuid[], $2::uuid[]) with ordinality as t (user_id, session_id, place)
     left join users u on u.id = t.user_id left join sessions s on s.id = t.session_id order by place`,
    [sessions.map(({ token }) => decodeJwt(token).sub), sessions.map(({ token }) => decodeJwt(token)["sid"])],
  );
  return rows.map(({ id, is_active: isActive, revoked, full_name: name }) => {
    if (id === null) return "USER_NOT_FOUND";
    if (isActive !== true) return "USER_DEACTIVATED";
    return revoked === true ? "TOKEN_REVOKED" : `called ${String(name)}`;
  });
}

function answers(replica: Gateway, sessions: readonly Tokens[]): Promise<string[]> {
  return Promise.all(
    sessions.map(async ({ token }) => {
      const { data, errors } = await replica.graphql("{ me { fullName } }", {}, `Token ${token}`);
      return data.me ? `called ${data.me.fullName}` : String(errors?.[0].extensions.reason);
    }),
  );
}

async function take({ what, replica, by, of }: Step, sessions: Tokens[]): Promise<void> {
  const session = sessions[by % sessions.length] as Tokens;
  const other = sessions[of % sessions.length] as Tokens;
  const { sub, sid } = decodeJwt<{ sid: string }>(session.token);
  const send = (text: string) => replicas[replica].graphql(text, {}, `Token ${session.token}`);
  const [name, scope = ""] = what.split(" ");
  if (name === "rename")
    await send(`mutation { updateUser(input: { fullName: "${++names}" }) { user { id } } }`);
  if (name === "new")
    await send(`mutation { updateUser(input: { password: "${password}" }) { user { id } } }`);
  if (name === "logout") await send(`mutation { logout(scope: ${scope}) { revokedSessions } }`);
  if (name === "revokeSession")
    await send(
      `mutation { revokeSession(id: "${decodeJwt<{ sid: string }>(other.token).sid}") { session { id } } }`,
    );
  if (name === "login") {
    const [user] = await sql("select username from users where id = $1", [sub]);
    const input = `{ username: "${String(user?.["username"])}", password: "${password}" }`;
    const { data } = await send(`mutation { login(input: ${input}) { token refreshToken } }`);
    if (data !== null) sessions.push(data.login as Tokens);
  }
  if (name === "refresh") {
    // Long used, it ends the session.
    if (scope === "again") await sql("update sessions set refresh_generation = 9 where id = $1", [sid]);
    await send(`mutation { refreshToken(refreshToken: "${session.refreshToken}") { token } }`);
  }
  if (name === "deactivate") await sql("update users set is_active = false where id = $1", [sub]);
  if (name === "activate") await sql("update users set is_active = true where id = $1", [sub]);
  if (name === "delete") await sql("delete from users where id = $1", [sub]);
  if (name === "end") await sql("update sessions set revoked_at = now() where id = $1", [sid]);
  if (name === "kill")
    await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'gatehouse listener' and datname = current_database() limit 1`,
    );
}

const bySql = new Set<Step["what"]>([
  "deactivate",
  "activate",
  "delete",
  "end",
  "kill a listener",
  "nothing",
]);

it("answers from memory what the database would answer, whatever happens", async () => {
  let kept = 0;
  const property = asyncProperty(array(step, { minLength: 16, maxLength: 16 }), async (taken) => {
    const sessions: Tokens[] = [];
    for (let count = 0; count < 2; count += 1) {
      const username = `person${++people}`;
      sessions.push(await register(replicas[0], { email: `${username}@example.com`, username, password }));
    }
    for (const each of taken) {
      // Some ask in the midst of it, and what they are told must not stay.
      await Promise.all([
        take(each, sessions),
        answers(replicas[0], sessions),
        answers(replicas[1], sessions),
      ]);
      const expected = await truth(sessions);
      const own = replicas[each.replica];
      if (!bySql.has(each.what)) expect(await answers(own, sessions)).toEqual(expected);
      for (const replica of replicas)
        await until(async () => String(await answers(replica, sessions)) === String(expected), 5_000);
      kept += replicas.filter(({ app }) => app.notifications.isHeard(performance.now())).length;
    }
  });
  await assert(property, { numRuns: 3, endOnFailure: true });
  // Else nothing was compared.
  expect(kept).toBeGreaterThan(0);
}, 120_000);
