import { composeServices } from "@apollo/composition";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isTypeDefinitionNode, parse, print } from "graphql";
import { readFileSync } from "node:fs";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { account, reference } from "./references.ts";
import { postsTypeDefs } from "./posts-subgraph.ts";

const file = readFileSync(new URL("../../subgraph.graphql", import.meta.url), "utf8");

describe("subgraph.graphql", () => {
  it("composes with a subgraph that extends User", () => {
    const { errors, supergraphSdl, hints } = composeServices([
      { name: "accounts", url: "http://accounts.invalid", typeDefs: parse(file) },
      { name: "posts", url: "http://posts.invalid", typeDefs: postsTypeDefs },
    ]);
    expect(errors).toBeUndefined();
    expect(hints).toEqual([]);
    expect(supergraphSdl).toMatch(/type User\s+@join__type\(graph: ACCOUNTS, key: "id"\)/);
    expect(supergraphSdl).not.toContain("_entities");
  });

  it("composes alone", () => {
    const { errors } = composeServices([
      { name: "accounts", url: "http://accounts.invalid", typeDefs: parse(file) },
    ]);
    expect(errors).toBeUndefined();
  });

  it("composes with a subgraph that has Relay's PageInfo, too", () => {
    const orders = `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@shareable"])
      type Query { orders: OrderConnection! }
      type OrderConnection { pageInfo: PageInfo! }
      type PageInfo @shareable {
        hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String
      }`;
    const { errors, hints } = composeServices([
      { name: "accounts", url: "http://accounts.invalid", typeDefs: parse(file) },
      { name: "orders", url: "http://orders.invalid", typeDefs: parse(orders) },
    ]);
    expect([errors, hints]).toEqual([undefined, []]);
  });

  it("is the schema of clients with federation's directives added", () => {
    const clientFile = readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8");
    const { definitions } = parse(file);
    const types = definitions.filter(isTypeDefinitionNode).map((node) => ({ ...node, directives: [] }));
    expect(types.map(print)).toEqual(parse(clientFile).definitions.map(print));
    expect(file).toContain('type User @key(fields: "id") {');
  });
});

describe("the service", () => {
  let gateway: Gateway;
  let closed: Gateway;
  beforeAll(async () => {
    gateway = await startGateway();
    closed = await startGateway({ INTROSPECTION: "off" });
  });
  afterAll(() => Promise.all([gateway.close(), closed.close()]));

  it("hands out the very text of subgraph.graphql", async () => {
    const { data } = await gateway.graphql("{ _service { sdl } }");
    expect(data._service.sdl).toBe(file);
  });

  it.each([
    "{ _service { sdl } }",
    "{ harmless: _service { __typename text: sdl } }",
    "query A { ...Root } fragment Root on Query { _service { ...Text } } fragment Text on _Service { sdl }",
  ])("hands out nothing while introspection is off: %s", async (document) => {
    const answer = await closed.graphql(document);
    expect(answer.data).toBeUndefined();
    expect(JSON.stringify(answer)).not.toContain("directive");
    expect(answer.errors?.[0]).toMatchObject({
      message:
        "The document does not fit the schema. What is wrong with it is said only where introspection is on.",
      extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    });
  });

  it("resolves entities while introspection is off", async () => {
    const { id } = await account(closed, "ada");
    const { data } = await closed.graphql(
      "query ($list: [_Any!]!) { _entities(representations: $list) { __typename ... on User { username } } }",
      { list: [reference(id)] },
    );
    expect(data._entities).toEqual([{ __typename: "User", username: "ada" }]);
  });

  it("traces nothing for whoever asks", async () => {
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "apollo-federation-include-trace": "ftv1" },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    expect(await answer.json()).toEqual({ data: { __typename: "Query" } });
    expect(gateway.log.join()).not.toContain("tracing");
  });
});
