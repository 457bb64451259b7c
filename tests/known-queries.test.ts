import { ApolloServer } from "@apollo/server";
import { afterAll, beforeAll, beforeEach, expect, it, jest } from "@jest/globals";
import { assert, asyncProperty, constant, constantFrom, oneof, record } from "fast-check";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";

const byApollo = jest.spyOn(ApolloServer.prototype, "executeHTTPGraphQLRequest");

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ LOG_LEVEL: "warn" });
  ({ token } = await register(gateway, {
    email: "ada@example.com",
    username: "ada",
    password: "correct horse battery",
  }));
});
afterAll(() => gateway.close());
beforeEach(() => void byApollo.mockClear());

interface Sent {
  body: object;
  accept?: string | undefined;
  authorization?: string | undefined;
}

/** All of an answer but what differs from each request to the next. */
async function answerTo({ body, accept, authorization }: Sent): Promise<object> {
  const answer = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      // What `fetch` says where nothing is given.
      accept: accept ?? "*/*",
      ...(authorization !== undefined && { authorization }),
    },
    body: JSON.stringify(body),
  });
  const headers = Object.fromEntries(answer.headers);
  delete headers["date"];
  return { status: answer.status, headers, text: await answer.text() };
}

/** Apollo is to see what has extensions, be they empty. */
const theLongWay = (sent: Sent): Sent => ({ ...sent, body: { ...sent.body, extensions: null } });

const queries = [
  "{ me { id username email createdAt } }",
  "query Mine { me { id } } query Other($no: Boolean = false) { __typename me @skip(if: $no) { username } }",
  "query ($first: Int!) { me { sessions(first: $first) { totalCount edges { cursor } } } }",
  "{ __schema { queryType { name } } }",
  "fragment F on User { id ... on User { isStaff } } { a: me { ...F } b: me { ...F } }",
  "{ me { id } ",
  "{ nothing }",
  "mutation { logout { revokedSessions } }",
  "",
];

it("are answered as by way of Apollo, to the letter", async () => {
  const absent = constant(undefined);
  const requests = record({
    query: constantFrom<unknown>(...queries, null, 7),
    operationName: oneof(absent, constantFrom<unknown>(null, "Mine", "Other", "None", "", 1)),
    variables: oneof(
      absent,
      constantFrom<unknown>(null, {}, { first: 1 }, { first: "x" }, { first: null }, { no: true }, []),
      constantFrom<unknown>("text", { unknown: { deep: [1] } }, { first: 2 ** 40 }, { no: 1 }),
    ),
    accept: oneof(
      absent,
      constantFrom(
        "application/json",
        "application/json, text/plain, */*",
        "application/graphql-response+json",
        "application/graphql-response+json, application/json",
        "application/graphql-response+json,application/json;q=0.9",
        "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
        "APPLICATION/JSON",
        "text/html",
        "application/json;q=0.1, application/graphql-response+json",
      ),
    ),
    signedIn: constantFrom(true, false, undefined),
  });
  await assert(
    asyncProperty(requests, async ({ query, operationName, variables, accept, signedIn }) => {
      const body = { query, operationName, variables };
      const authorization = { true: `Token ${token}x`, false: "Basic x" }[String(signedIn)];
      // Nobody is signed out by the mutation, whose token is none.
      const mutates = typeof query === "string" && query.startsWith("mutation");
      const sent = {
        body,
        accept,
        authorization: mutates ? authorization : (authorization ?? `Token ${token}`),
      };
      const expected = await answerTo(theLongWay(sent));
      expect(await answerTo(sent)).toEqual(expected);
      expect(await answerTo(sent)).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

it("need Apollo no more, unless something is out of the ordinary", async () => {
  const sent = { body: { query: "query A { me { username } }" }, authorization: `Token ${token}` };
  const first = await answerTo(sent);
  expect(byApollo).toHaveBeenCalledTimes(1);
  for (const body of [sent.body, { ...sent.body, operationName: null, variables: { a: 1 } }])
    expect(await answerTo({ ...sent, body })).toEqual(first);
  expect(byApollo).toHaveBeenCalledTimes(1);

  await answerTo({ ...sent, body: { ...sent.body, operationName: "A" } });
  await answerTo({ ...sent, body: { query: "query A { me { username id } }" } });
  await answerTo({ ...sent, accept: "application/*" });
  await answerTo(theLongWay(sent));
  expect(byApollo).toHaveBeenCalledTimes(5);
});

it("are refused as ever where the caller is nobody", async () => {
  const query = "query B { me { username } }";
  await answerTo({ body: { query }, authorization: `Token ${token}` });
  const refused = await gateway.graphql(query);
  expect(refused.data).toEqual({ me: null });
  expect(refused.errors?.[0].extensions).toEqual({ code: "UNAUTHENTICATED", reason: "TOKEN_MISSING" });
  expect(byApollo).toHaveBeenCalledTimes(1);
});
