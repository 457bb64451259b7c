import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { parse } from "graphql";
import type { OperationDefinitionNode } from "graphql";
import { request } from "node:http";
import { SignInLookup } from "../src/accounts/sign-in-lookup.ts";
import { query as sql } from "./support/database.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import { accountOf, password, sendFrom, signInFrom, throttled } from "./support/throttled.ts";
import { until } from "./support/until.ts";

const ada = { username: "ada", email: "ada@example.com", password: "correct horse battery" };
const inline = `{ username: "${ada.username}", password: "${ada.password}" }`;
const right = { username: ada.username, password: ada.password };

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ HASH_CONCURRENCY: "1", HASH_QUEUE: "0" });
  ({ token } = await register(gateway, ada));
});
afterAll(() => gateway.close());

interface Body {
  query: string;
  operationName?: string | null;
  variables?: object;
}

const ask = async (body: object, headers: Record<string, string> = {}) => {
  const answer = await gateway.app.server.inject({
    method: "POST",
    url: "/graphql",
    headers: { "content-type": "application/json", ...headers },
    payload: JSON.stringify(body),
  });
  const { date: _date, ...rest } = answer.headers;
  return { status: answer.statusCode, headers: rest, body: answer.body };
};

const here = () => "127.0.0.1";

/** Somebody else has the only place meanwhile. */
async function withoutRoom<Result>(work: () => Promise<Result>): Promise<Result> {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const other = gateway.app.hasher.keepPlace(() => over);
  try {
    return await work();
  } finally {
    end();
    await other;
  }
}

const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const signUp = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const apart =
  "($name: String, $word: String!) { login(input: { username: $name, password: $word }) { token } }";
const variables = { input: right, name: right.username, word: right.password };
const stranger = { input: { ...ada, username: "eve", email: "eve@example.com" } };

const learned: [string, Body][] = [
  ["variables", { query: login, variables }],
  ["variables that are wrong", { query: login, variables: { input: 5 } }],
  ["no variables", { query: login }],
  ["an alias, and lines", { query: login.replace("login(", "\n\n  in: login("), variables }],
  ["a name", { query: login.replace("(", " In("), operationName: "In", variables }],
  ["a name that is not asked for", { query: login.replace("(", " In("), operationName: null, variables }],
  ["a variable for each value", { query: `mutation ${apart}`, variables }],
  [
    "another operation beside it",
    { query: `query Me { me { id } } mutation In ${apart}`, operationName: "In", variables },
  ],
  [
    "fragments and directives further down",
    {
      query: `${login.replace("token", "...F token @skip(if: true)")} fragment F on AuthPayload { refreshToken }`,
      variables,
    },
  ],
  ["a registration", { query: signUp, variables: stranger }],
];
const notLearned: [string, Body][] = [
  ["values", { query: login.replace("($input: LoginInput!)", "").replace("$input", inline) }],
  [
    "a default value",
    { query: `mutation ${apart.replace("!", ` = "${ada.password}"`)}`, variables: { name: "ada" } },
  ],
  [
    "a value in another operation",
    {
      query: `mutation In ${apart} mutation B { login(input: ${inline}) { token } }`,
      operationName: "In",
      variables,
    },
  ],
  ["more than 4,096 characters", { query: `${login} #${"x".repeat(4_096)}`, variables }],
  ["two fields", { query: login.replace("} }", "} __typename }"), variables }],
  [
    "a fragment",
    {
      query:
        "mutation ($input: LoginInput!) { ...F } fragment F on Mutation { login(input: $input) { token } }",
      variables,
    },
  ],
  ["a directive", { query: login.replace(") { token", ") @skip(if: false) { token"), variables }],
];
const accepted = [
  {},
  { accept: "*/*" },
  { accept: "application/graphql-response+json,application/json;q=0.9" },
  { accept: "application/graphql-response+json" },
  { origin: "https://app.example.com", authorization: "Token x.y.z" },
];

describe("while there is no room to hash", () => {
  it.each([
    ...learned.map((each) => [...each, true] as const),
    ...notLearned.map((each) => [...each, false] as const),
  ])(
    "a document is refused as by Apollo, in status, headers and body: with %s",
    async (_what, body, isLearned) => {
      await ask(body);
      expect(gateway.app.hashRefusals.find(body, here)).toBe(undefined);
      await withoutRoom(async () => {
        expect(gateway.app.hashRefusals.find(body, here) !== undefined).toBe(isLearned);
        for (const headers of accepted) {
          // With a parameter the type is the same, and the way is always that of Apollo.
          const byApollo = await ask(body, { ...headers, "content-type": "application/json; charset=utf-8" });
          expect(await ask(body, headers)).toEqual(byApollo);
          expect(byApollo.status).toBe(200);
          expect(byApollo.headers["retry-after"]).toBe("1");
          expect(JSON.parse(byApollo.body)).toMatchObject({
            data: null,
            errors: [{ extensions: { code: "SERVICE_UNAVAILABLE", retryAfter: 1 } }],
          });
        }
      });
    },
  );

  it("it is refused as by the resolver", async () => {
    await ask({ query: login });
    const query = login.replace("} }", "} __typename }");
    await withoutRoom(async () => {
      expect(await ask({ query: login, variables })).toEqual(await ask({ query, variables }));
    });
  });

  it("a document is learned by the first refusal too", async () => {
    const body = { query: `${login} # once`, variables };
    await withoutRoom(async () => {
      expect(gateway.app.hashRefusals.find(body, here)).toBe(undefined);
      const first = await ask(body);
      expect(gateway.app.hashRefusals.find(body, here)).toBeDefined();
      expect(await ask(body)).toEqual(first);
    });
  });

  it.each([
    ["a document that is not valid", { query: login.replace("token", "nothing"), variables }],
    ["a document that cannot be read", { query: `${login} }`, variables }],
    ["a name that nothing has", { query: login, operationName: "Out", variables }],
    ["a name that is none", { query: login, operationName: 5, variables }],
    ["no document", { variables }],
    ["several bodies", [{ query: login, variables }]],
    ["a text as variables", { query: login, variables: "x" }],
    ["a list as variables", { query: login, variables: [] }],
    ["a number as extensions", { query: login, variables, extensions: 5 }],
    [
      "a persisted query",
      { query: login, variables, extensions: { persistedQuery: { version: 1, sha256Hash: "x" } } },
    ],
  ])("%s is told so, and never learned", async (_what, body) => {
    await ask({ query: login });
    const before = await ask(body);
    expect(before.body).toMatch(
      /PERSISTED_QUERY_NOT_SUPPORTED|GRAPHQL_VALIDATION_FAILED|BAD_REQUEST|OPERATION_RESOLUTION_FAILURE|GRAPHQL_PARSE_FAILED/,
    );
    await withoutRoom(async () => {
      expect(gateway.app.hashRefusals.find(body, here)).toBe(undefined);
      expect(await ask(body)).toEqual(before);
    });
  });

  it.each([
    ["refreshToken", "mutation ($token: JWT!) { refreshToken(refreshToken: $token) { token } }"],
    ["updateUser", "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }"],
    ["logout", "mutation { logout { revokedSessions } }"],
    ["me", "{ me { id } }"],
  ])("what need not hash is answered: %s", async (_name, query) => {
    const body = { query, variables: { token: "x.y.z", input: {} } };
    await withoutRoom(async () => {
      const { body: first } = await ask(body);
      expect(first).not.toContain("SERVICE_UNAVAILABLE");
      expect((await ask(body)).body).toBe(first);
    });
  });

  it("a change of password is refused, and not made", async () => {
    const text = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    const change = { input: { password: "another horse battery", currentPassword: ada.password } };
    await withoutRoom(async () => {
      const { errors } = await gateway.graphql(text, change, `Token ${token}`);
      expect(errors).toMatchObject([{ extensions: { code: "SERVICE_UNAVAILABLE", retryAfter: 1 } }]);
    });
    expect((await ask({ query: login, variables })).body).toContain('"data":{"login":{"token":');
  });
});

describe("what is remembered of them", () => {
  it("keeps nobody from signing in once there is room", async () => {
    const body = { query: login, variables };
    await withoutRoom(async () => void (await ask(body)));
    const { data } = JSON.parse((await ask(body)).body);
    const me = await gateway.graphql("{ me { username } }", {}, `Token ${data.login.token}`);
    expect(me.data).toEqual({ me: { username: ada.username } });
  });

  it("holds no password", async () => {
    for (const [, body] of [...learned, ...notLearned]) await ask(body);
    const kept = JSON.stringify([...gateway.app.hashRefusals["places"].entries()]);
    expect(kept).toContain("login(input: $input)");
    expect(kept).not.toContain(ada.password);
  });

  it("is bounded", async () => {
    const { hashRefusals, schema } = gateway.app;
    const learn = (text: string, number: number) => {
      const body = { query: `${text} # ${number}` };
      hashRefusals.refuse(body, schema, parse(text).definitions[0] as OperationDefinitionNode, here());
      return body;
    };
    const places = hashRefusals["places"];
    for (const text of [login, `${login} #${"x".repeat(3_000)}`]) {
      const bodies = Array.from({ length: 1_100 }, (_, number) => learn(text, number));
      expect(places.size).toBeLessThanOrEqual(1_000);
      expect([...places.keys()].join("").length).toBeLessThanOrEqual(200_000);
      await withoutRoom(async () => {
        expect(hashRefusals.find(bodies[0], here)).toBe(undefined);
        expect(hashRefusals.find(bodies[1_099], here)).toBeDefined();
      });
    }
  });
});

/** On a connection of its own, which ends with it. */
function send({ url }: Gateway, text: string, values: object, bearer = "none") {
  const { promise: code, resolve } = Promise.withResolvers<string>();
  const headers = { "content-type": "application/json", authorization: `Token ${bearer}` };
  const sent = request(`${url}/graphql`, { method: "POST", headers, agent: false }, (answer) => {
    let body = "";
    answer.setEncoding("utf8").on("data", (part: string) => (body += part));
    answer.on("close", () => resolve(/"code":"(\w+)"/.exec(body)?.[1] ?? "OK"));
  });
  sent.on("error", (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  sent.end(JSON.stringify({ query: text, variables: values }));
  return { code, hangUp: () => void sent.destroy() };
}

describe("a place that is kept for a hash", () => {
  it("is free again whatever happens: no database, and clients that hang up", async () => {
    const busy = await startGateway({ HASH_CONCURRENCY: "2" });
    try {
      const { hasher } = busy.app;
      const { token: own } = await register(busy, ada);
      const change = { input: { password: ada.password, currentPassword: "a guess" } };
      const update = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
      let mostKept = 0;
      const codes = new Set<string>();
      for (let round = 0; round < 10; round++) {
        const all = Array.from({ length: 24 }, (_, index) =>
          index % 4 === 0 ? send(busy, update, change, own) : send(busy, login, variables),
        );
        await until(() => hasher.kept > 0);
        mostKept = Math.max(mostKept, hasher.kept);
        for (let index = 0; index < all.length; index += 3) all[index]?.hangUp();
        await sql(
          busy.databaseUrl,
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        );
        for (const { code } of all) codes.add(await code);
      }
      await until(() => hasher.kept + hasher.running + hasher.waiting === 0);
      expect(mostKept).toBeGreaterThan(1);
      expect([...codes]).toEqual(expect.arrayContaining(["SERVICE_UNAVAILABLE", "ECONNRESET"]));
      expect(codes).not.toContain("INTERNAL_SERVER_ERROR");
      expect(hasher.secondsUntilRoom).toBe(0);
      await until(async () => (await busy.graphql(login, { input: right })).errors === undefined);
    } finally {
      await busy.close();
    }
  });

  it("is counted before the database is asked: of a burst no more are taken in than there is room for", async () => {
    const small = await startGateway({ HASH_CONCURRENCY: "1", HASH_QUEUE: "3" });
    try {
      await register(small, ada);
      const looks = jest.spyOn(SignInLookup.prototype, "find");
      const guess = { input: { ...right, password: "a guess" } };
      const answers = await Promise.all(Array.from({ length: 40 }, () => small.graphql(login, guess)));
      const codes = answers.map(({ errors }) => errors?.[0].extensions.code);
      expect(new Set(codes)).toEqual(new Set(["BAD_USER_INPUT", "SERVICE_UNAVAILABLE"]));
      expect(looks).toHaveBeenCalledTimes(codes.filter((code) => code === "BAD_USER_INPUT").length);
    } finally {
      await small.close();
    }
  });

  it("is none of those who were refused a moment ago: the owner gets in beside them", async () => {
    const settings = { ...throttled, HASH_CONCURRENCY: "1", HASH_QUEUE: "10", RATE_LIMIT_ADDRESS: "12/1h" };
    const busy = await startGateway(settings);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    try {
      const { hasher } = busy.app;
      const { token: own } = await accountOf(busy, "ada", "192.0.2.1");
      const strange = "198.51.100.1";
      const refused = async () => {
        const guesses = Array.from({ length: 10 }, (_, index) => signInFrom(busy, strange, `bob${index}`));
        const input = { password: "another horse battery", currentPassword: "a guess" };
        const update = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
        const changes = Array.from({ length: 3 }, () => sendFrom(busy, strange, update, { input }, own));
        return (await Promise.all([...guesses, ...changes])).map(({ code }) => code);
      };
      for (let name = 0; (await signInFrom(busy, strange, `eve${name}`)).code === "BAD_USER_INPUT"; name++);
      const others = Array.from({ length: 3 }, () => hasher.keepPlace(() => over));
      expect(new Set(await refused())).toEqual(new Set(["TOO_MANY_REQUESTS"]));
      expect(hasher.kept).toBe(3);
      end();
      await Promise.all(others);
      expect((await signInFrom(busy, "192.0.2.1", "ada", password)).code).toBe("OK");
    } finally {
      end();
      await busy.close();
    }
  });
});
