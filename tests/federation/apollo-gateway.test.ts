import { composeServices } from "@apollo/composition";
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import type { GraphQLDataSourceProcessOptions } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "graphql";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { startPostsSubgraph, postsTypeDefs } from "./posts-subgraph.ts";
import type { PostsSubgraph } from "./posts-subgraph.ts";
import { account } from "./references.ts";
import type { Account } from "./references.ts";
import { askGateway } from "./client.ts";

interface RouterContext {
  req?: IncomingMessage;
}

/** As docs/integrations/federation.md has it. */
class ForwardingDataSource extends RemoteGraphQLDataSource<RouterContext> {
  override willSendRequest({ request, context: { req } }: GraphQLDataSourceProcessOptions<RouterContext>) {
    // Without a client's request: the gateway asks for itself.
    if (req === undefined || !request.http) return;
    const { authorization, "user-agent": userAgent, "x-forwarded-for": proxies } = req.headers;
    if (authorization) request.http.headers.set("authorization", authorization);
    if (userAgent) request.http.headers.set("user-agent", userAgent);
    const addresses = [proxies, req.socket.remoteAddress].filter(Boolean).join(", ");
    request.http.headers.set("x-forwarded-for", addresses);
  }
}

let gatehouse: Gateway;
let posts: PostsSubgraph;
let router: ApolloServer<RouterContext>;
let url: string;
let ada: Account;
let bob: Account;

beforeAll(async () => {
  gatehouse = await startGateway({ INTROSPECTION: "off", TRUST_PROXY: "2" });
  posts = await startPostsSubgraph();
  ada = await account(gatehouse, "ada");
  bob = await account(gatehouse, "bob");
  posts.posts.push(
    { id: "1", title: "Notes on the engine", authorId: ada.id },
    { id: "2", title: "On logic", authorId: bob.id },
    { id: "3", title: "By one who left", authorId: "00000000-0000-7000-8000-000000000000" },
  );
  const { supergraphSdl } = composeServices([
    {
      name: "accounts",
      url: `${gatehouse.url}/graphql`,
      typeDefs: parse(readFileSync(new URL("../../subgraph.graphql", import.meta.url), "utf8")),
    },
    { name: "posts", url: posts.url, typeDefs: postsTypeDefs },
  ]);
  if (!supergraphSdl) throw new Error("The subgraphs do not compose.");
  router = new ApolloServer<RouterContext>({
    gateway: new ApolloGateway({
      supergraphSdl,
      buildService: (definition) => new ForwardingDataSource(definition),
    }),
    stopOnTerminationSignals: false,
  });
  ({ url } = await startStandaloneServer(router, {
    listen: { host: "127.0.0.1", port: 0 },
    context: async ({ req }) => ({ req }),
  }));
});
afterAll(async () => {
  await router.stop();
  await posts.close();
  await gatehouse.close();
});

const ask = (query: string, variables?: object, authorization?: string) =>
  askGateway(url, query, variables, authorization);

const postsWithAuthor = (fields: string) => `{ posts { title author { ${fields} } } }`;
const document = "{ me { username email posts { title author { username } } } }";

describe("behind an Apollo gateway", () => {
  it.each(["Bearer", "Token"])("a client signs up and in, and reads across both (%s)", async (scheme) => {
    const username = `carol-${scheme}`;
    const input = { email: `${username}@example.com`, username, password: "correct horse" };
    const registered = await ask(
      "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }",
      { input },
    );
    expect(registered.errors).toBeUndefined();
    posts.posts.push({ id: username, title: "First", authorId: registered.data.register.user.id });

    const { data } = await ask("mutation ($input: LoginInput!) { login(input: $input) { token } }", {
      input: { username, password: "correct horse" },
    });
    const answer = await ask(document, {}, `${scheme} ${data.login.token}`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toEqual({
      me: { username, email: input.email, posts: [{ title: "First", author: { username } }] },
    });
  });

  it("the authors of posts have names, and no more", async () => {
    const named = await ask(postsWithAuthor("username"));
    expect(named.errors).toBeUndefined();
    expect(named.data.posts.slice(0, 3)).toEqual([
      { title: "Notes on the engine", author: { username: "ada" } },
      { title: "On logic", author: { username: "bob" } },
      { title: "By one who left", author: null },
    ]);

    const asked = await ask(postsWithAuthor("username bio"), {}, `Bearer ${ada.token}`);
    expect(asked.data.posts.slice(0, 2)).toEqual([
      { title: "Notes on the engine", author: { username: "ada", bio: null } },
      { title: "On logic", author: { username: "bob", bio: null } },
    ]);
    expect(asked.errors?.map(({ extensions }) => extensions.code)).toContain("FORBIDDEN");
    expect(asked.errors?.map(({ path }) => path)).not.toContainEqual(["posts", 0, "author", "bio"]);
  });

  it("a session shows the client, not the gateway", async () => {
    const input = { email: "seen@example.com", username: "seen", password: "correct horse" };
    await ask("mutation ($input: RegisterInput!) { register(input: $input) { token } }", { input });
    const sessions = await gatehouse.sql(
      "select s.ip, s.user_agent from sessions s join users u on u.id = s.user_id where u.username = 'seen'",
    );
    expect(sessions).toEqual([{ ip: "203.0.113.7", user_agent: "Client/1.0" }]);
  });

  it("field errors arrive as they are", async () => {
    const input = { email: "nonsense", username: "ada", password: "short" };
    const { errors } = await ask("mutation ($input: RegisterInput!) { register(input: $input) { token } }", {
      input,
    });
    const direct = await gatehouse.graphql(
      "mutation ($input: RegisterInput!) { register(input: $input) { token } }",
      { input },
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0].extensions).toMatchObject({
      code: "BAD_USER_INPUT",
      errors: direct.errors?.[0].extensions.errors,
    });
    expect(Object.keys(errors?.[0].extensions.errors)).toEqual(["email", "username", "password"]);
  });

  it("a bad token is refused with its reason", async () => {
    const { data, errors } = await ask(document, {}, "Bearer nonsense");
    expect(data).toEqual({ me: null });
    expect(errors?.[0].extensions).toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_INVALID" });
  });
});
