import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { cacheExchange, Client, fetchExchange, gql } from "@urql/core";
import type { OperationResult } from "@urql/core";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";

type User = { id: string; email: string; username: string; bio: string | null };
type Auth = { user: User; token: string; refreshToken: string };
type Input = { input: Record<string, unknown> };

const auth = "user { id email username bio } token refreshToken";
const register = gql<{ register: Auth }, Input>`
  mutation Register($input: RegisterInput!) { register(input: $input) { ${auth} } }
`;
const login = gql<{ login: Auth }, Input>`
  mutation Login($input: LoginInput!) { login(input: $input) { ${auth} } }
`;
const refreshToken = gql<{ refreshToken: Auth }, { token: string }>`
  mutation RefreshToken($token: JWT!) { refreshToken(refreshToken: $token) { ${auth} } }
`;
const updateUser = gql<{ updateUser: { user: User } }, Input>`
  mutation UpdateUser($input: UpdateUserInput!) {
    updateUser(input: $input) {
      user {
        id
        email
        username
        bio
      }
    }
  }
`;
const logout = gql<{ logout: { revokedSessions: number } }>`
  mutation Logout {
    logout {
      revokedSessions
    }
  }
`;
const me = gql<{ me: User | null }>`
  query Me {
    me {
      id
      email
      username
      bio
    }
  }
`;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

/** A client as an application makes it; its user is signed in while it holds a token. */
function newClient() {
  const session: { token?: string } = {};
  const client = new Client({
    url: `${gateway.url}/graphql`,
    exchanges: [cacheExchange, fetchExchange],
    fetchOptions: () => ({ headers: { ...(session.token && { authorization: `Token ${session.token}` }) } }),
  });
  return { client, session };
}

/** A client that is not signed in; like the other it sends its queries by GET, which is urql's own choice. */
function clientByGet(headers: Record<string, string> = {}) {
  return new Client({ url: `${gateway.url}/graphql`, exchanges: [fetchExchange], fetchOptions: { headers } });
}

/** What urql resolves to for an answer with `errors`: its only entry, apart from the place in the query. */
function errorOf({ error }: OperationResult) {
  expect(error?.networkError).toBeUndefined();
  expect(error?.graphQLErrors).toHaveLength(1);
  const [only] = error?.graphQLErrors ?? [];
  return { message: only?.message, ...only?.extensions };
}

describe("urql", () => {
  it("goes from registration to sign-out", async () => {
    const { client, session } = newClient();
    const input = { email: "ada@example.com", username: "ada", password: "correct horse" };

    const registered = (await client.mutation(register, { input })).data!.register;
    expect(registered.user).toMatchObject({ email: "ada@example.com", username: "ada", bio: null });
    session.token = registered.token;
    expect((await client.query(me, {})).data?.me).toEqual(registered.user);

    await client.mutation(updateUser, { input: { bio: "Wrote the first program." } });
    expect((await client.query(me, {})).data?.me?.bio).toBe("Wrote the first program.");

    const signIn = { username: "ada", password: "correct horse" };
    const signedIn = (await client.mutation(login, { input: signIn })).data!.login;
    const refreshed = (await client.mutation(refreshToken, { token: signedIn.refreshToken })).data!
      .refreshToken;
    expect(refreshed.refreshToken).not.toBe(signedIn.refreshToken);
    session.token = refreshed.token;
    expect((await client.query(me, {}, { requestPolicy: "network-only" })).data?.me?.username).toBe("ada");

    expect((await client.mutation(logout, {})).data).toMatchObject({ logout: { revokedSessions: 1 } });
    expect(errorOf(await client.query(me, {}, { requestPolicy: "network-only" }))).toEqual({
      message: "Token has been revoked.",
      code: "UNAUTHENTICATED",
      reason: "TOKEN_REVOKED",
    });
  });

  it("finds field errors in error.graphQLErrors[0].extensions.errors", async () => {
    const { client } = newClient();
    const input = { email: "ada@", username: null, password: "short" };

    expect(errorOf(await client.mutation(register, { input }))).toEqual({
      message: "email: Enter a valid email address.",
      code: "BAD_USER_INPUT",
      errors: {
        email: ["Enter a valid email address."],
        username: ["This field may not be null."],
        password: ["Ensure this field has at least 8 characters."],
      },
      errorCodes: { email: ["EMAIL_INVALID"], username: ["NULL"], password: ["TOO_SHORT"] },
      errorParams: { email: [{}], username: [{}], password: [{ minimum: 8 }] },
    });
    const signIn = { email: "nobody@example.com", password: "wrong password" };
    expect(errorOf(await client.mutation(login, { input: signIn }))).toEqual({
      message: "A user with this email and password was not found.",
      code: "BAD_USER_INPUT",
      errors: { error: ["A user with this email and password was not found."] },
      errorCodes: { error: ["CREDENTIALS_INVALID"] },
    });
  });

  it("reads why GraphQL refused an operation, whatever the HTTP status", async () => {
    const client = clientByGet({ "apollo-require-preflight": "true" });
    expect(errorOf(await client.query("{ password }", {}))).toEqual({
      message: 'Cannot query field "password" on type "Query".',
      code: "GRAPHQL_VALIDATION_FAILED",
    });
  });

  it("sends queries by GET once it sends a header that CSRF prevention asks for", async () => {
    expect(errorOf(await clientByGet().query(me, {})).message).toMatch(/^This operation has been blocked/);
    expect(errorOf(await clientByGet({ "apollo-require-preflight": "true" }).query(me, {}))).toEqual({
      message: "Authentication credentials were not provided.",
      code: "UNAUTHENTICATED",
      reason: "TOKEN_MISSING",
    });
  });
});
