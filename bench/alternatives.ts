import { randomBytes } from "node:crypto";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import type { Account } from "./gateway.ts";
import { graphqlRequest } from "./load.ts";
import type { HttpRequest, Load } from "./load.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { ServerSettings } from "./servers/settings.ts";
import type { CleanUp } from "./undo.ts";

/** What a user would pick instead of us: its name, and how it says who somebody is and signs them in. */
export interface Alternative {
  name: string;
  me: Load;
  login: Load;
}

interface Protocol {
  module: string;
  args?: string[];
  /** @param origin of the server */
  login: (account: Account, origin: string) => HttpRequest;
  loginStart: string;
  /** Of the answer to a sign-in. */
  me: (answer: Response) => Promise<HttpRequest>;
  meStart: string;
}

const graphql = (path: string): Omit<Protocol, "module"> => ({
  login({ username, password }) {
    const query =
      "mutation ($u: String!, $p: String!) { login(username: $u, password: $p) { token user { id } } }";
    return graphqlRequest({ query, variables: { u: username, p: password } }, path);
  },
  loginStart: '{"data":{"login":{"token"',
  async me(answer) {
    const { data } = (await answer.json()) as { data: { login: { token: string } } };
    return graphqlRequest({ query: "{ me { id username email createdAt } }", token: data.login.token }, path);
  },
  meStart: '{"data":{"me":{"id"',
});

const betterAuth: Protocol = {
  module: "better-auth",
  login({ email, password }, origin) {
    const headers = { "content-type": "application/json", origin };
    const body = JSON.stringify({ email, password });
    return { method: "POST", path: "/api/auth/sign-in/email", headers, body };
  },
  loginStart: '{"redirect":false,"token"',
  me(answer) {
    const cookie = answer.headers.getSetCookie().map((each) => each.split(";")[0]);
    const request = { method: "GET", path: "/api/auth/get-session", headers: { cookie: cookie.join("; ") } };
    return Promise.resolve(request as HttpRequest);
  },
  meStart: '{"session":{',
};

const protocols: Record<string, Protocol> = {
  "better-auth": { ...betterAuth, args: ["argon2id"] },
  "better-auth (scrypt)": betterAuth,
  yoga: { module: "yoga", ...graphql("/graphql") },
  naive: { module: "naive", ...graphql("/") },
};

/** Starts each in a process of its own, with a database of its own that has the accounts. */
export async function startAlternatives(
  cleanUp: CleanUp,
  postgres: BenchPostgres,
  shared: Pick<ServerSettings, "accounts" | "hashing">,
): Promise<Alternative[]> {
  const secret = randomBytes(32).toString("base64url");
  const alternatives: Alternative[] = [];
  for (const [name, protocol] of Object.entries(protocols)) {
    const databaseUrl = await postgres.createDatabase(name.replaceAll(/\W+/g, "_"));
    const settings: ServerSettings = { ...shared, databaseUrl, secret };
    const args = [JSON.stringify(settings), ...(protocol.args ?? [])];
    const child = startChild(`bench/dist/${protocol.module}.js`, args, {});
    cleanUp.push(() => child.stop());
    const server = { url: await child.nextMessage<string>(), child };
    alternatives.push({ name, ...(await loadsOf(server, protocol, shared.accounts)) });
  }
  return alternatives;
}

async function loadsOf(
  server: { url: string; child: Child },
  { login, loginStart, me, meStart }: Protocol,
  accounts: Account[],
): Promise<Pick<Alternative, "me" | "login">> {
  const logins = accounts.map((account) => login(account, server.url));
  const mes: HttpRequest[] = [];
  for (const { path, ...request } of logins) {
    const answer = await fetch(new URL(path, server.url), request);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    mes.push(await me(answer));
  }
  return {
    me: { server, requests: mes, expectedStart: meStart },
    login: { server, requests: logins, expectedStart: loginStart },
  };
}
