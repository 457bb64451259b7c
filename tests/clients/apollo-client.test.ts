import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
} from "@apollo/client";
import type { TypedDocumentNode } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";

type User = { id: string; email: string; username: string; bio: string | null };
type Auth = { user: User; token: string; refreshToken: string };
type Input = { input: Record<string, unknown> };

const auth = "user { id email username bio } token refreshToken";
const register: TypedDocumentNode<{ register: Auth }, Input> = gql`
  mutation Register($input: RegisterInput!) { register(input: $input) { ${auth} } }
`;
const login: TypedDocumentNode<{ login: Auth }, Input> = gql`
  mutation Login($input: LoginInput!) { login(input: $input) { ${auth} } }
`;
const refreshToken: TypedDocumentNode<{ refreshToken: Auth }, { token: string }> = gql`
  mutation RefreshToken($token: JWT!) { refreshToken(refreshToken: $token) { ${auth} } }
`;
const updateUser: TypedDocumentNode<{ updateUser: { user: User } }, Input> = gql`
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
const logout: TypedDocumentNode<{ logout: { revokedSessions: number } }, Record<string, never>> = gql`
  mutation Logout {
    logout {
      revokedSessions
    }
  }
`;
const me: TypedDocumentNode<{ me: User | null }, Record<string, never>> = gql`
  query Me {
    me {
      id
      email
      username
      bio
    }
  }
`;

type Session = { id: string; current: boolean; revokedAt: string | null };
const sessions: TypedDocumentNode<
  { me: { id: string; sessions: { edges: { node: Session }[] } } },
  Record<string, never>
> = gql`
  query Sessions {
    me {
      id
      sessions {
        edges {
          node {
            id
            current
            revokedAt
          }
        }
      }
    }
  }
`;
const revokeSession: TypedDocumentNode<{ revokeSession: { session: Session } }, { id: string }> = gql`
  mutation RevokeSession($id: ID!) {
    revokeSession(id: $id) {
      session {
        id
        current
        revokedAt
      }
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
  const authorize = new SetContextLink(({ headers }) => ({
    headers: { ...headers, ...(session.token && { authorization: `Token ${session.token}` }) },
  }));
  const http = new HttpLink({ uri: `${gateway.url}/graphql` });
  const client = new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([authorize, http]) });
  return { client, session };
}

/** What Apollo Client throws for an answer with `errors`: its only entry, apart from the place in the query. */
async function errorOf(operation: Promise<unknown>) {
  const thrown: unknown = await operation.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
  if (!CombinedGraphQLErrors.is(thrown)) throw new Error("not an answer of the API", { cause: thrown });
  expect(thrown.errors).toHaveLength(1);
  return { message: thrown.errors[0]?.message, ...thrown.errors[0]?.extensions };
}

describe("Apollo Client", () => {
  it("goes from registration to sign-out", async () => {
    const { client, session } = newClient();
    const input = { email: "ada@example.com", username: "ada", password: "correct horse" };

    const registered = (await client.mutate({ mutation: register, variables: { input } })).data!.register;
    expect(registered.user).toMatchObject({ email: "ada@example.com", username: "ada", bio: null });
    session.token = registered.token;
    expect((await client.query({ query: me })).data?.me).toEqual(registered.user);

    await client.mutate({ mutation: updateUser, variables: { input: { bio: "Wrote the first program." } } });
    expect(client.readQuery({ query: me })?.me?.bio).toBe("Wrote the first program.");

    const signIn = { username: "ada", password: "correct horse" };
    const signedIn = (await client.mutate({ mutation: login, variables: { input: signIn } })).data!.login;
    const variables = { token: signedIn.refreshToken };
    const refreshed = (await client.mutate({ mutation: refreshToken, variables })).data!.refreshToken;
    expect(refreshed.refreshToken).not.toBe(signedIn.refreshToken);
    session.token = refreshed.token;
    expect((await client.query({ query: me, fetchPolicy: "network-only" })).data?.me?.username).toBe("ada");

    expect((await client.mutate({ mutation: logout })).data).toMatchObject({
      logout: { revokedSessions: 1 },
    });
    expect(await errorOf(client.query({ query: me, fetchPolicy: "network-only" }))).toEqual({
      message: "Token has been revoked.",
      code: "UNAUTHENTICATED",
      reason: "TOKEN_REVOKED",
    });
    client.stop();
  });

  it("sees in its cache that a session has ended", async () => {
    const { client, session } = newClient();
    const input = { email: "cache@example.com", username: "cache", password: "correct horse" };
    session.token = (await client.mutate({ mutation: register, variables: { input } })).data!.register.token;
    const { email, password } = input;
    await client.mutate({ mutation: login, variables: { input: { email, password } } });

    const read = async (fetchPolicy: "cache-only" | "network-only") =>
      (await client.query({ query: sessions, fetchPolicy })).data!.me.sessions.edges.map(({ node }) => node);
    const [own, other] = await read("network-only");
    expect([own, other]).toMatchObject([
      { current: true, revokedAt: null },
      { current: false, revokedAt: null },
    ]);
    await client.mutate({ mutation: revokeSession, variables: { id: other!.id } });
    expect(await read("cache-only")).toEqual([own, { ...other, revokedAt: expect.any(String) }]);
    expect(await read("network-only")).toEqual([own]);
    client.stop();
  });

  it("finds field errors in errors[0].extensions.errors", async () => {
    const { client } = newClient();
    const input = { email: "ada@", username: null, password: "short" };

    expect(await errorOf(client.mutate({ mutation: register, variables: { input } }))).toEqual({
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
    expect(await errorOf(client.mutate({ mutation: login, variables: { input: signIn } }))).toEqual({
      message: "A user with this email and password was not found.",
      code: "BAD_USER_INPUT",
      errors: { error: ["A user with this email and password was not found."] },
      errorCodes: { error: ["CREDENTIALS_INVALID"] },
    });
    client.stop();
  });

  it("reads why GraphQL refused an operation, whatever the HTTP status", async () => {
    const { client } = newClient();
    expect(
      await errorOf(
        client.query({
          query: gql`
            {
              password
            }
          `,
        }),
      ),
    ).toEqual({
      message: 'Cannot query field "password" on type "Query".',
      code: "GRAPHQL_VALIDATION_FAILED",
    });
    client.stop();
  });
});
