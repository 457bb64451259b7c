import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { request } from "node:http";
import {
  anyJson,
  anyText,
  anyValue,
  headersRead,
  headerText,
  objectOf,
  words,
} from "../support/fuzz-inputs.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";

/** The same cases every time; a failure prints the seed and the path to its smallest case. */
const seed = 20_260_401;

/** Milliseconds for any one answer, on a machine that is busy with other tests. */
const longestAnswer = 5_000;

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let gateway: Gateway;
let token: string;
let port: string;
beforeAll(async () => {
  gateway = await startGateway({ RATE_LIMIT: "off" });
  ({ token } = await register(gateway, ada));
  port = new URL(gateway.url).port;
});
afterAll(() => gateway.close());

interface Answer {
  status: number;
  contentType: string;
  text: string;
}

/** Any bytes that HTTP lets into a header. */
function send(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", method, path, headers, timeout: longestAnswer };
    const sent = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => {
        const contentType = String(answer.headers["content-type"]);
        resolve({ status: answer.statusCode ?? 0, contentType, text });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`No answer within ${longestAnswer} ms.`)));
    sent.on("error", reject).end(body);
  });
}

const post = (body: string, headers: Record<string, string> = {}) =>
  send("POST", "/graphql", { "content-type": "application/json", ...headers }, body);
const operation = (query: string, variables: unknown, authorization: string) =>
  post(JSON.stringify({ query, variables }), { authorization });

const codes = [
  "BAD_REQUEST",
  "BAD_USER_INPUT",
  "UNAUTHENTICATED",
  "SIGN_IN_REQUIRED",
  "NOT_FOUND",
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "OPERATION_RESOLUTION_FAILURE",
  "PAYLOAD_TOO_LARGE",
  "SERVICE_UNAVAILABLE",
  "TOO_MANY_REQUESTS",
];

/** JSON in our shape, each error with a code of ours, and no fault on our side. */
function expectOurShape({ status, contentType, text }: Answer): void {
  expect(status).toBeGreaterThanOrEqual(200);
  expect(status).toBeLessThan(500);
  expect(contentType).toMatch(/^application\/(graphql-response\+)?json/);
  const { data, errors, ...others } = JSON.parse(text);
  expect(others).toEqual({});
  expect(data ?? errors).toBeDefined();
  for (const error of errors ?? []) {
    expect(typeof error.message).toBe("string");
    expect(codes).toContain(error.extensions.code);
  }
}

const check = async <T>(
  numRuns: number,
  arbitrary: fc.Arbitrary<T>,
  attempt: (value: T) => Promise<void>,
) => {
  const lines = gateway.log.length;
  await fc.assert(fc.asyncProperty(arbitrary, attempt), { seed, numRuns, timeout: longestAnswer });
  // That a header came which only a proxy should send is worth a warning, once.
  const loud = gateway.log
    .slice(lines)
    .filter((line) => JSON.parse(line).level > 30 && !line.includes("set TRUST_PROXY"));
  expect(loud).toEqual([]);
};

describe("whatever is sent, the answer is JSON in our shape and no fault of ours:", () => {
  it("any Authorization header", () =>
    check(100, headerText, async (authorization) => {
      expectOurShape(await operation("{ me { id } }", {}, authorization));
      expectOurShape(await operation("mutation { logout { revokedSessions } }", {}, authorization));
      const verified = await send("GET", "/auth/verify", { authorization });
      expectOurShape(verified);
      expect(verified.status).toBe(401);
    }));

  it("any text in any header that we or what we are made of read", async () => {
    const paths = [
      "/graphql",
      "/auth/verify",
      "/.well-known/jwks.json",
      "/.well-known/revoked-sessions",
      "/",
    ];
    const attempt = fc.record({
      method: fc.constantFrom("GET", "POST", "OPTIONS", "HEAD", "DELETE", "TRACE"),
      path: fc.constantFrom(...paths, "/health/ready", "/nowhere"),
      name: fc.constantFrom(...headersRead),
      value: headerText,
    });
    await check(300, attempt, async ({ method, path, name, value }) => {
      const { status } = await send(method, path, { [name]: value, connection: "close" });
      expect(status).toBeLessThan(500);
    });
    // An expectation that cannot be met is answered with 417 before the body has come.
    for (const name of headersRead.filter((header) => header !== "expect"))
      await check(10, headerText, async (value) =>
        expectOurShape(await post('{"query":"{ __typename }"}', { [name]: value })),
      );
  });

  it("any Host header", () =>
    check(100, headerText, async (host) => {
      const path = "/graphql?query=%7B__typename%7D";
      const answer = await send("GET", path, { host, "apollo-require-preflight": "1" });
      expectOurShape(answer);
      expect([200, 400]).toContain(answer.status);
    }));

  it("a token of which one character was changed", async () => {
    const change = fc.tuple(fc.nat(token.length - 1), fc.integer({ min: 0x21, max: 0x7e }));
    await check(120, change, async ([at, code]) => {
      const changed = token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1);
      const answer = await send("GET", "/auth/verify", { authorization: `Token ${changed}` });
      expectOurShapeOrIdentity(answer, changed === token);
    });
  });

  it("any JSON as the body", () =>
    check(120, anyJson, async (body) => expectOurShape(await post(JSON.stringify(body)))));

  it("any text as the body, of any type", () =>
    check(
      150,
      fc.tuple(
        anyText,
        fc.constantFrom("application/json", "text/plain", "application/graphql", 'a/b; charset="', ""),
      ),
      async ([body, type]) => expectOurShape(await post(body, { "content-type": type })),
    ));

  it("any members of a GraphQL request", () =>
    check(
      150,
      fc.record(
        { query: anyValue, variables: anyJson, operationName: anyJson, extensions: anyJson },
        { requiredKeys: [] },
      ),
      async (body) => expectOurShape(await post(JSON.stringify(body))),
    ));

  const fields = {
    register: ["email", "username", "password", "bio", "fullName", "birthDate"],
    login: ["email", "username", "password"],
    updateUser: ["email", "username", "bio", "fullName", "birthDate", "currentPassword"],
  };
  it.each([
    [
      "register",
      "($v: RegisterInput!) { register(input: $v) { user { id email } } }",
      objectOf(...fields.register),
    ],
    ["login", "($v: LoginInput!) { login(input: $v) { user { id } } }", objectOf(...fields.login)],
    [
      "updateUser",
      "($v: UpdateUserInput!) { updateUser(input: $v) { user { email bio birthDate } } }",
      objectOf(...fields.updateUser),
    ],
    ["refreshToken", "($v: JWT!) { refreshToken(refreshToken: $v) { token } }", anyValue],
    ["logout by a token", "($v: JWT) { logout(refreshToken: $v) { revokedSessions } }", anyText],
    ["revokeSession", "($v: ID!) { revokeSession(id: $v) { session { id } } }", anyValue],
  ])("any variables for %s", (name, text, values) =>
    check(100, values as fc.Arbitrary<unknown>, async (v) => {
      // A sign-out that works would end the test's own session.
      const authorization = name.startsWith("logout") ? "" : `Token ${token}`;
      expectOurShape(await operation(`mutation ${text}`, { v }, authorization));
    }),
  );

  it("any words as a query", () =>
    check(150, fc.array(fc.constantFrom(...words), { maxLength: 300 }), async (chosen) =>
      expectOurShape(await operation(chosen.join(" "), {}, `Token ${token}`)),
    ));

  it("any text as a query, up to 8 kB", () =>
    check(150, fc.oneof(anyText, fc.string({ unit: "binary", maxLength: 8000 })), async (query) => {
      expectOurShape(await operation(query, {}, ""));
      expectOurShape(await operation(`{ me { ${query} } }`, {}, `Token ${token}`));
    }));

  it("any nesting and repetition of a query", () =>
    check(
      60,
      fc.tuple(
        fc.constantFrom("{me", "{me{id", "[", "{a:", "(", "...{", "@a", "a:me{id}"),
        fc.integer({ min: 1, max: 8000 }),
      ),
      async ([unit, count]) =>
        expectOurShape(await operation(`{ ${unit.repeat(count).slice(0, 8000)}`, {}, `Token ${token}`)),
    ));

  it("any query string, read by GET", () =>
    check(
      150,
      fc.tuple(
        anyText.filter((text) => text.isWellFormed() && text.length < 2000),
        anyText.filter((text) => text.isWellFormed() && text.length < 2000),
      ),
      async ([query, variables]) => {
        const path = `/graphql?query=${encodeURIComponent(query)}&variables=${encodeURIComponent(variables)}`;
        expectOurShape(await send("GET", path, { "apollo-require-preflight": "1" }));
      },
    ));
});

function expectOurShapeOrIdentity(answer: Answer, isUnchanged: boolean): void {
  expect(answer.status).toBe(isUnchanged ? 200 : 401);
  if (!isUnchanged) expectOurShape(answer);
}
