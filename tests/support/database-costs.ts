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
 * Takes what each operation costs, on open connections. "Cold" is the first use of a session on this gateway; all that
 * needs a token but is not called cold comes after such a use.
 */
export async function measureDatabaseCosts({ url, otherUrl, relay }: CostSetting) {
  const ask = async (at: string, document: keyof typeof documents, variables: object, token?: string) => {
    const answer = await fetch(`${at}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Token ${token}` }) },
      body: JSON.stringify({ query: documents[document], variables }),
    });
    const text = await answer.text();
    const { data } = JSON.parse(text) as { data: Record<string, Tokens> | null };
    if (!data?.[document] || text.includes('"errors"')) throw new Error(`${document}: ${text}`);
    return data[document];
  };
  const newAccount = () => {
    const username = `cost${randomBytes(6).toString("hex")}`;
    return { username, email: `${username}@example.com`, password };
  };

  const account = newAccount();
  const { username, email } = account;
  await ask(otherUrl, "register", { input: account });
  const newSession = () => ask(otherUrl, "login", { input: { username, password } });
  const usedSession = async () => {
    const session = await newSession();
    await ask(url, "me", {}, session.token);
    return session;
  };
  const verify = async ({ token }: Tokens) => {
    const { status } = await fetch(`${url}/auth/verify`, { headers: { authorization: `Bearer ${token}` } });
    if (status !== 200) throw new Error(`/auth/verify: ${status}`);
  };

  const measured = new Map<string, DatabaseCost>();
  const measure = async (name: string, act: () => Promise<unknown>) => {
    const [queries, roundTrips] = [relay.statements.length, relay.trips.count];
    await act();
    const cost = {
      queries: relay.statements.length - queries,
      roundTrips: relay.trips.count - roundTrips,
    };
    const least = measured.get(name) ?? cost;
    // Of several the least: what happens in the background may fall into one, and the first opens connections.
    measured.set(name, {
      queries: Math.min(cost.queries, least.queries),
      roundTrips: Math.min(cost.roundTrips, least.roundTrips),
    });
  };
  const measureWith = async <Given>(
    name: string,
    prepare: () => Promise<Given>,
    act: (given: Given) => Promise<unknown>,
  ) => {
    const given = await prepare();
    await measure(name, () => act(given));
  };

  for (let round = 0; round < 3; round++) {
    await measureWith("me, warm", usedSession, ({ token }) => ask(url, "me", {}, token));
    await measureWith("me, cold", newSession, ({ token }) => ask(url, "me", {}, token));
    await measure("login", () => ask(url, "login", { input: { username, password } }));
    await measure("login by email", () => ask(url, "login", { input: { email, password } }));
    await measure("register", () => ask(url, "register", { input: newAccount() }));
    await measureWith("refreshToken", newSession, ({ refreshToken: token }) =>
      ask(url, "refreshToken", { token }),
    );
    await measureWith("updateUser", usedSession, ({ token }) =>
      ask(url, "updateUser", { input: { bio: `bio ${round}` } }, token),
    );
    await measureWith("auth/verify, warm", usedSession, verify);
    await measureWith("auth/verify, cold", newSession, verify);
    await measureWith("logout", usedSession, ({ token }) => ask(url, "logout", {}, token));
  }
  return measured;
}
