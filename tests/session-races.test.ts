import { afterAll, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";

let replicas: [Gateway, Gateway];
beforeAll(async () => {
  const gateway = await startGateway({ REFRESH_GRACE: "0s" });
  replicas = [gateway, await startReplica(gateway, { REFRESH_GRACE: "0s" })];
});
afterAll(async () => {
  await replicas[1].close();
  await replicas[0].close();
});

const password = "correct horse battery";
let sessions: Tokens[];
beforeEach(async () => {
  const [gateway, other] = replicas;
  await gateway.sql("truncate users cascade");
  sessions = [await register(gateway, { email: "ada@example.com", username: "ada", password })];
  for (let index = 0; index < 5; index++) sessions.push(await signIn(other));
});

const signIn = async (at: Gateway): Promise<Tokens> => {
  const document = `mutation { login(input: { username: "ada", password: "${password}" }) { token refreshToken } }`;
  return (await at.graphql(document)).data.login;
};
const bearer = ({ token }: Tokens) => `Bearer ${token}`;
type Act = (at: Gateway, by: Tokens) => Promise<GraphqlAnswer | undefined>;
const refresh: Act = (at, { refreshToken }) =>
  at.graphql("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token refreshToken } }", {
    t: refreshToken,
  });
const me: Act = (at, by) => at.graphql("{ me { username } }", {}, bearer(by));
const logout =
  (scope: string): Act =>
  (at, { refreshToken }) =>
    at.graphql(`mutation ($t: JWT) { logout(refreshToken: $t, scope: ${scope}) { revokedSessions } }`, {
      t: refreshToken,
    });
const changePassword: Act = (at, by) =>
  at.graphql(
    `mutation { updateUser(input: { password: "another horse battery" }) { session { token refreshToken } } }`,
    {},
    bearer(by),
  );
const revokeOther: Act = (at, by) => {
  const other = sessions[(sessions.indexOf(by) + 1) % sessions.length] ?? by;
  const [, claims = ""] = other.token.split(".");
  const { sid } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { sid: string };
  return at.graphql(`mutation { revokeSession(id: "${sid}") { session { id } } }`, {}, bearer(by));
};
const deactivate: Act = async (at) => {
  await at.sql("update users set is_active = false");
  return undefined;
};
const login: Act = (at) =>
  at.graphql(`mutation { login(input: { username: "ada", password: "${password}" }) { token } }`);

const refusals = new Set(["UNAUTHENTICATED", "BAD_USER_INPUT", "NOT_FOUND"]);

it.each([
  ["refreshes and uses of the same pairs", [refresh, me, refresh, me]],
  ["sign-outs of everything, of the others and of one", [logout("ALL"), logout("OTHERS"), logout("CURRENT")]],
  ["changes of password, refreshes and sign-outs", [changePassword, refresh, me, logout("OTHERS"), login]],
  ["deactivation, refreshes, sign-ins and sign-outs", [refresh, deactivate, me, login, logout("ALL")]],
  ["sessions that end each other, and refreshes", [revokeOther, refresh, me, logout("OTHERS")]],
] satisfies [string, Act[]][])(
  "requests that come at once on two replicas cause no deadlock: %s",
  async (_what, acts) => {
    const outcomes: GraphqlAnswer[] = [];
    const all = [...Array(4).keys()].flatMap((round) =>
      sessions.flatMap((by, index) =>
        acts.map(async (act, at) => {
          const replica = replicas[(round + index + at) % 2] as Gateway;
          const answer = await act(replica, by);
          if (answer) outcomes.push(answer);
        }),
      ),
    );
    await Promise.all(all);
    const codes = outcomes.flatMap(({ errors }) => errors?.map(({ extensions }) => extensions.code) ?? []);
    expect(codes.filter((code) => !refusals.has(code))).toEqual([]);
    const deadlocks = replicas.flatMap(({ log }) => log).filter((line) => /deadlock/.test(line));
    expect(deadlocks).toEqual([]);
    // The first change of password ends the sessions of all others.
    const changes = outcomes.filter(({ data }) => data?.updateUser?.session);
    expect(changes.length).toBeLessThanOrEqual(1);
  },
);
