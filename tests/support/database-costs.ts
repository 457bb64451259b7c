import { randomBytes } from "node:crypto";
import type { Tokens } from "./operations.ts";
import type { StatementRelay } from "./statement-relay.ts";

/** What an operation asks of PostgreSQL. */
export interface DatabaseCost {
  queries: number;
  /** Times that it waits for PostgreSQL, one after the other. */
  roundTrips: number;
}

export interface CostSetting {
  /** Of a gateway whose database is behind `relay`, without a path. */
  url: string;
  /** Of another on the same database, by another way: what happens there costs nothing here. */
  otherUrl: string;
  relay: StatementRelay;
}

/** Milliseconds for `startStatementRelay`: within it a gateway has sent all that it sends at once. */
export const tellingLateness = 10;

const rounds = 3;
const password = "correct horse battery";

const signedIn = "{ token refreshToken user { id } }";
const documents = {
  me: "{ me { id username email createdAt } }",
  login: `mutation ($input: LoginInput!) { login(input: $input) ${signedIn} }`,
  register: `mutation ($input: RegisterInput!) { register(input: $input) ${signedIn} }`,
  refreshToken: `mutation ($token: JWT!) { refreshToken(refreshToken: $token) ${signedIn} }`,
  updateUser: "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id bio } } }",
  logout: "mutation { logout { revokedSessions } }",
};

/**
 * Takes what each operation costs, on open connections. "Cold" is the first use of a session on this gateway; all else
 * that needs an access token comes after such a use.
 */
export async function measureDatabaseCosts({ url, otherUrl, relay }: CostSetting) {
  const account = newAccount();
  const { username, email } = account;
  await ask(otherUrl, "register", { input: account });
  const newSession = () => ask(otherUrl, "login", { input: { username, password } });
  const usedSession = async () => {
    const session = await newSession();
    await ask(url, "me", {}, session.token);
    return session;
  };

  const measured = new Map<string, DatabaseCost>();
  const measure = async (
    name: string,
    act: (session: Tokens) => Promise<unknown>,
    prepare: () => Promise<Tokens> = usedSession,
  ) => {
    const session = await prepare();
    const [queries, roundTrips] = [relay.statements.length, relay.trips.count];
    await act(session);
    const cost = {
      queries: relay.statements.length - queries,
      roundTrips: relay.trips.count - roundTrips,
    };
    // Of several the least: what happens in the background may fall into one, and the first opens connections.
    const least = measured.get(name) ?? cost;
    measured.set(name, {
      queries: Math.min(cost.queries, least.queries),
      roundTrips: Math.min(cost.roundTrips, least.roundTrips),
    });
  };

  for (let round = 0; round < rounds; round++) {
    await measure("me, warm", ({ token }) => ask(url, "me", {}, token));
    await measure("me, cold", ({ token }) => ask(url, "me", {}, token), newSession);
    await measure("login", () => ask(url, "login", { input: { username, password } }));
    await measure("login by email", () => ask(url, "login", { input: { email, password } }));
    await measure("register", () => ask(url, "register", { input: newAccount() }));
    await measure("refreshToken", (old) => ask(url, "refreshToken", { token: old.refreshToken }), newSession);
    const input = { bio: `bio ${round}` };
    await measure("updateUser", ({ token }) => ask(url, "updateUser", { input }, token));
    await measure("auth/verify, warm", (session) => verify(url, session));
    await measure("auth/verify, cold", (session) => verify(url, session), newSession);
    await measure("logout", ({ token }) => ask(url, "logout", {}, token));
  }
  return measured;
}

/** @throws when there is an error in the answer */
async function ask(
  url: string,
  operation: keyof typeof documents,
  variables: object,
  token?: string,
): Promise<Tokens> {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Token ${token}` }) },
    body: JSON.stringify({ query: documents[operation], variables }),
  });
  const text = await answer.text();
  const { data } = JSON.parse(text) as { data: Record<string, Tokens> | null };
  const result = data?.[operation];
  if (!result || text.includes('"errors"')) throw new Error(`${operation}: ${text}`);
  return result;
}

async function verify(url: string, { token }: Tokens): Promise<void> {
  const { status } = await fetch(`${url}/auth/verify`, { headers: { authorization: `Bearer ${token}` } });
  if (status !== 200) throw new Error(`/auth/verify: ${status}`);
}

function newAccount() {
  const username = `cost${randomBytes(6).toString("hex")}`;
  return { username, email: `${username}@example.com`, password };
}
