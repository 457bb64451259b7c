import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";

let gateway: Gateway;
let authorizations: (string | undefined)[];
const account = (username: string) => ({
  username,
  email: `${username}@example.com`,
  password: "correct horse battery",
});
beforeAll(async () => {
  gateway = await startGateway();
  const ada = await register(gateway, { ...account("ada"), bio: 'Says "\\u2028é😀".' });
  const bob = await register(gateway, account("bob"));
  const eve = await register(gateway, account("eve"));
  await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${eve.token}`);
  const live = [`Token ${ada.token}`, `  bearer\t${ada.token} `, `Token ${bob.token}`];
  const useless = [
    undefined,
    `Token ${eve.token}`,
    "Token x.y.z",
    `Basic ${ada.token}`,
    `Token ${ada.token} more`,
  ];
  authorizations = [...live, ...useless];
});
afterAll(() => gateway.close());

const fields =
  `id, username, email, bio, fullName, birthDate, isActive, createdAt, __typename, name: username,
  id: username, email @include(if: true), email @skip(if: true), nothing, ... on User { isStaff }, ...More,
  ... @include(if: false) { bio }, createdAt { year }`.split(/,\s+/);
const operations =
  `{ me { * } } | query Q { me { * } } | { who: me { * } } | query Q { me { * } } query R { me { id } } |
  { me { * } again: me { * } } | { __typename me { * } } | { me @skip(if: true) { * } } | { me } |
  query ($a: Boolean!) { me { bio @skip(if: $a) * } } | query ($a: Boolean = true) { me { * } } |
  mutation { updateUser(input: {}) { user { * } } } | { me { * } sessions(first: 2) { edges { node { id } } } } |
  { me { * | subscription { me { * } } | { _entities(representations: []) { __typename } } | `.split(
    /\s*\|\s*/,
  );
const query = fc
  .record({
    operation: fc.constantFrom(...operations),
    chosen: fc.array(fc.constantFrom(...fields), { minLength: 1, maxLength: 3 }),
  })
  .map(({ operation, chosen }) => {
    const fragment = chosen.includes("...More") ? " fragment More on User { updatedAt }" : "";
    return operation.replaceAll("*", chosen.join(" ")) + fragment;
  });
const oddly = <T>(...values: T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, fc.constantFrom(...values));
const body = fc.record({
  query,
  operationName: oddly<unknown>(null, "", "Q", "R", 5),
  variables: oddly<unknown>(null, {}, { a: true }, { a: 1 }, [], "{}", ""),
  extensions: oddly<unknown>(null, {}, { clientLibrary: { name: "x" } }, "x", {
    persistedQuery: { version: 1 },
  }),
});
const accept = fc.constantFrom(
  undefined,
  "*/*",
  "application/json",
  "application/graphql-response+json,application/json;q=0.9",
  "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
  "application/graphql-response+json",
  "image/png",
  "application/json;q=0",
  "",
);

const ask = async (payload: string, headers: Record<string, string | undefined>) => {
  const given = Object.entries({ "content-type": "application/json", ...headers });
  const answer = await gateway.app.server.inject({
    method: "POST",
    url: "/graphql",
    headers: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    payload,
  });
  const { date: _date, ...rest } = answer.headers;
  return { status: answer.statusCode, headers: rest, body: answer.body };
};

describe("a query that came before", () => {
  it("is answered as Apollo answers it, in status, headers and body", async () => {
    let known = 0;
    let unknown = 0;
    const property = fc.asyncProperty(body, accept, fc.nat(7), async (sent, accepted, caller) => {
      const payload = JSON.stringify(sent);
      const headers = { accept: accepted, authorization: authorizations[caller] };
      // With a parameter the type is the same, and the way is always that of Apollo.
      const byApollo = await ask(payload, { ...headers, "content-type": "application/json; charset=utf-8" });
      for (let time = 0; time < 3; time++) expect(await ask(payload, headers)).toEqual(byApollo);
      if (gateway.app.knownQueries.find(payload) === undefined) unknown += 1;
      else known += 1;
    });
    await fc.assert(property, { numRuns: 300 });
    expect(Math.min(known, unknown)).toBeGreaterThan(20);
  });

  it.each([
    ["{ me { updatedAt } }", true],
    ["query Q { me { id ...F } } fragment F on User { bio }", true],
    ["{ me { nothing } }", false],
    ["query ($a: Boolean = true) { me { id @skip(if: $a) } }", false],
    ["mutation { updateUser(input: {}) { user { id } } }", false],
    [`{ me { id } } #${"x".repeat(4_096)}`, false],
  ])("is known when nothing but a valid query is in it: %#", async (text, expected) => {
    const payload = JSON.stringify({ query: text });
    await ask(payload, { "content-type": "application/json; charset=utf-8" });
    expect(gateway.app.knownQueries.find(payload)).toBe(undefined);
    await ask(payload, {});
    expect(gateway.app.knownQueries.find(payload) !== undefined).toBe(expected);
  });

  it("says what it says now, not what it said then", async () => {
    const { token } = await register(gateway, account("grace"));
    const payload = JSON.stringify({ query: "{ me { bio fullName birthDate } }" });
    const authorization = `Token ${token}`;
    const me = async () => JSON.parse((await ask(payload, { authorization })).body);
    const empty = { bio: null, fullName: null, birthDate: null };
    expect([await me(), await me()]).toEqual([{ data: { me: empty } }, { data: { me: empty } }]);
    const change =
      'mutation { updateUser(input: { bio: "Counts.", birthDate: "1906-12-09" }) { user { id } } }';
    await gateway.graphql(change, {}, authorization);
    expect(await me()).toEqual({ data: { me: { ...empty, bio: "Counts.", birthDate: "1906-12-09" } } });
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, authorization);
    expect(await me()).toMatchObject({
      data: { me: null },
      errors: [{ extensions: { reason: "TOKEN_REVOKED" } }],
    });
  });
});
