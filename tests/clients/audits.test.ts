import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { serverAudits } from "graphql-http";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";

/** The audits that fail, each with its reason: what they ask for is optional, and protection comes first. */
const notFollowed: Record<string, string> = {
  "5A70": "A GET without a content type may come from any web page, so CSRF prevention asks for a header.",
  D6D5: "The same, for a GET with variables that accepts application/graphql-response+json.",
  "6A70": "The same, for a GET with variables that accepts application/json.",
};

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const url = () => `${gateway.url}/graphql`;
const audits = serverAudits({ url, fetchFn: fetch });

/** The same requests with the header that shows CSRF prevention that no web page sent them by surprise. */
const auditsWithHeader = serverAudits({
  url,
  fetchFn: (input: string, init?: RequestInit) => {
    const request = new Request(input, init);
    request.headers.set("apollo-require-preflight", "true");
    return fetch(request);
  },
});

/** What the specification leaves open, sent as an operation that GraphQL refuses. */
async function refusedStatus(accept: string, body: object): Promise<[number, string | null]> {
  const headers = { "content-type": "application/json", accept };
  const answer = await fetch(url(), { method: "POST", headers, body: JSON.stringify(body) });
  expect(await answer.json()).toEqual({ errors: [expect.anything()] });
  return [answer.status, answer.headers.get("content-type")];
}

describe("GraphQL over HTTP", () => {
  const followed = audits.filter(({ id }) => !(id in notFollowed));
  it.each(followed.map((audit) => [audit.id, audit.name, audit] as const))(
    "%s: %s",
    async (id, name, audit) => {
      expect(await audit.fn()).toEqual({ id, name, status: "ok" });
    },
  );

  it.each(Object.entries(notFollowed))("%s fails: %s", async (id) => {
    const audit = audits.find((one) => one.id === id);
    expect(await audit?.fn()).toMatchObject({ status: "notice", name: expect.stringMatching(/^MAY /) });
    const withHeader = auditsWithHeader.find((one) => one.id === id);
    expect(await withHeader?.fn()).toMatchObject({ status: "ok" });
  });

  it("counts 61 audits, of which 58 pass", () => {
    expect([audits.length, followed.length]).toEqual([61, 58]);
  });

  it.each([
    ["syntax", { query: "{" }],
    ["validation", { query: "{ nothing }" }],
    ["an operation that is not there", { query: "query A { __typename }", operationName: "B" }],
    [
      "variables",
      { query: "query Q($name: String!) { __type(name: $name) { name } }", variables: { name: null } },
    ],
  ])("refuses %s with a 4xx only for readers of application/graphql-response+json", async (_what, body) => {
    const plain = "application/json; charset=utf-8";
    const graphqlResponse = "application/graphql-response+json; charset=utf-8";
    expect(await refusedStatus("*/*", body)).toEqual([200, plain]);
    expect(await refusedStatus("application/json", body)).toEqual([200, plain]);
    expect(await refusedStatus("application/graphql-response+json", body)).toEqual([400, graphqlResponse]);
    expect(await refusedStatus("application/json, application/GraphQL-response+json;q=0.5", body)).toEqual([
      400,
      graphqlResponse,
    ]);
  });
});
