import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { errorsOf, reasonOf, register } from "./support/operations.ts";
import { rawRequest } from "./support/raw-request.ts";

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };

describe.each(["development", "production"])("errors in %s", (mode) => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ NODE_ENV: mode });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sql("truncate users cascade"));

  const everyFault = {
    email: ["Enter a valid email address."],
    username: ["This field is required."],
    password: ["This field may not be null."],
    bio: ["Not a valid string."],
    fullName: ["This field may not be blank."],
    birthDate: ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
  };

  it.each([
    [
      "one variable",
      "mutation ($input: RegisterInput!) { register(input: $input) { token } }",
      { input: { birthDate: "1815-13-10", fullName: " ", bio: 3, password: null, email: true } },
    ],
    [
      "a variable for each field",
      `mutation ($email: String!, $password: String!, $bio: String, $username: String!, $birthDate: Date) {
        register(input: { fullName: "", bio: $bio, password: $password, email: $email, username: $username, birthDate: $birthDate })
          { token }
      }`,
      { email: "nope", password: null, bio: { a: 1 }, birthDate: 20 },
    ],
    [
      "literals",
      `mutation { register(input: { birthDate: 1815, email: ADA, bio: [1], fullName: "", password: null }) { token } }`,
      {},
    ],
    [
      "both, with defaults",
      `mutation ($bio: String = "  ", $email: String! = "@") {
        register(input: { email: $email, password: null, bio: 1.5, fullName: $bio, birthDate: "x" }) { token }
      }`,
      {},
    ],
  ])("come in one entry with every field in order: %s", async (_what, document, variables) => {
    const answer = await gateway.graphql(document, variables);
    expect(answer).toMatchObject({ status: 200, data: null });
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0].path).toEqual(["register"]);
    expect(JSON.stringify(errorsOf(answer))).toBe(JSON.stringify(everyFault));
    expect(await gateway.sql("select count(*)::int from users")).toEqual([{ count: 0 }]);
  });

  it("hold what the database says beside what GraphQL and the rules say", async () => {
    await register(gateway, ada);
    const answer = await gateway.graphql(
      `mutation ($username: String!) { register(input: { email: "ADA@example.com", username: $username, password: 12345678 }) { token } }`,
      { username: "Ada" },
    );
    expect(JSON.stringify(errorsOf(answer))).toBe(
      JSON.stringify({
        email: ["user with this email already exists."],
        username: ["user with this username already exists."],
        password: ["Not a valid string."],
      }),
    );
  });

  it.each([
    ["left out", "mutation { register { token } }", {}],
    ["null", "mutation { register(input: null) { token } }", {}],
    ["an undefined variable", "mutation ($i: RegisterInput!) { register(input: $i) { token } }", {}],
    ["a null variable", "mutation ($i: RegisterInput!) { register(input: $i) { token } }", { i: null }],
  ])("name the fields that are needed when the whole input is %s", async (_what, document, variables) => {
    expect(errorsOf(await gateway.graphql(document, variables))).toEqual({
      email: ["This field is required."],
      username: ["This field is required."],
      password: ["This field is required."],
    });
  });

  it("say when an input is no object, or has fields that are not there", async () => {
    const document = "mutation ($i: RegisterInput!) { register(input: $i) { token } }";
    for (const i of ["text", 3, true, [ada]])
      expect(errorsOf(await gateway.graphql(document, { i }))).toEqual({
        error: ["Invalid data. Expected an object."],
      });
    const literal = await gateway.graphql('mutation { register(input: "text") { token } }');
    expect(errorsOf(literal)).toEqual({ error: ["Invalid data. Expected an object."] });
    expect(errorsOf(await gateway.graphql(document, { i: { ...ada, isStaff: true } }))).toEqual({
      error: ['Field "isStaff" is not defined.'],
    });
    const hidden = await gateway.graphql(
      'mutation { register(input: { email: "a@b.co", username: "a", password: "long enough", constructor: 1 }) { token } }',
    );
    expect(errorsOf(hidden)).toEqual({
      error: ['Field "constructor" is not defined.'],
    });
    expect(await gateway.sql("select count(*)::int from users")).toEqual([{ count: 0 }]);
  });

  it("have an entry for each aliased field, with its path, and the others act", async () => {
    const answer = await gateway.graphql(
      `mutation ($name: String!) {
        first: register(input: { email: "x", username: $name, password: "long enough" }) { token }
        second: register(input: { email: "ada@example.com", username: $name, password: "long enough" }) { token }
        third: login(input: { username: $name, password: "wrong" }) { token }
        ...More
      }
      fragment More on Mutation { fourth: register(input: { email: "b@example.com", username: $name, password: "1" }) { token } }`,
      { name: "ada" },
    );
    expect(answer.data).toBeNull();
    expect(answer.errors?.map(({ path, extensions }) => [path, extensions.errors])).toEqual([
      [["first"], { email: ["Enter a valid email address."] }],
      [["third"], { error: ["A user with this email and password was not found."] }],
      [
        ["fourth"],
        {
          username: ["user with this username already exists."],
          password: ["Ensure this field has at least 8 characters."],
        },
      ],
    ]);
    expect(await gateway.sql("select username from users")).toEqual([{ username: "ada" }]);
  });

  it("ask who is there before they look at what was sent", async () => {
    const answer = await gateway.graphql("mutation { updateUser(input: { email: 3 }) { user { id } } }");
    expect(reasonOf(answer)).toBe("TOKEN_MISSING");
    const { token } = await register(gateway, ada);
    const typed = await gateway.graphql(
      'mutation { updateUser(input: { email: 3, birthDate: "", username: null }) { user { id } } }',
      {},
      `Token ${token}`,
    );
    expect(JSON.stringify(errorsOf(typed))).toBe(
      JSON.stringify({
        email: ["Enter a valid email address."],
        username: ["This field may not be null."],
        birthDate: everyFault.birthDate,
      }),
    );
    const none = await gateway.graphql("mutation { updateUser { user { id } } }", {}, `Token ${token}`);
    expect(errorsOf(none)).toEqual({ input: ["This field is required."] });
  });

  it("keep me null beside the reason", async () => {
    const answer = await gateway.graphql("{ me { id } }");
    expect(answer.data).toEqual({ me: null });
    expect(answer.errors).toEqual([
      {
        message: "Authentication credentials were not provided.",
        locations: [{ line: 1, column: 3 }],
        path: ["me"],
        extensions: { code: "UNAUTHENTICATED", reason: "TOKEN_MISSING" },
      },
    ]);
  });

  it("are one entry for faulty variables of a query, too", async () => {
    const { errors } = await gateway.graphql(
      "query ($yes: Boolean!, $no: Boolean!) { a: __typename @include(if: $yes) b: __typename @skip(if: $no) }",
      { yes: "maybe" },
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0].extensions.code).toBe("BAD_USER_INPUT");
    expect(Object.keys(errors?.[0].extensions.errors)).toEqual(["yes", "no"]);
  });

  it("are one entry for variables of any name", async () => {
    const { status, errors } = await gateway.graphql(
      "query ($constructor: Boolean!, $toString: Boolean!) { me @include(if: $constructor) @skip(if: $toString) { id } }",
    );
    expect([status, errors?.length, Object.keys(errors?.[0].extensions.errors)]).toEqual([
      200,
      1,
      ["constructor", "toString"],
    ]);
  });

  it("hold for defaults of variables, too", async () => {
    const answer = await gateway.graphql(
      'mutation ($i: RegisterInput! = { email: "bad", username: 3 }) { register(input: $i) { token } }',
    );
    expect(errorsOf(answer)).toEqual({
      email: ["Enter a valid email address."],
      username: ["Not a valid string."],
      password: ["This field is required."],
    });
    const ofQuery = await gateway.graphql('query ($yes: Boolean = "x") { me @include(if: $yes) { id } }');
    expect(ofQuery.errors?.[0].extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
  });

  it("name a few of many unknown fields", async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`field${index}`, 1]));
    const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    expect(errorsOf(await gateway.graphql(document, { input: { ...ada, ...many } }))["error"]).toHaveLength(
      10,
    );
  });

  it("come quickly for a name whose normal form takes PostgreSQL long", async () => {
    const username = `a${"\u0301".repeat(20_000)}${"\u0323".repeat(20_000)}`;
    const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    expect(errorsOf(await gateway.graphql(document, { input: { ...ada, username } }))).toEqual({
      username: ["Ensure this field has no more than 255 characters."],
    });
  });

  it("leave faults of the document to GraphQL", async () => {
    for (const document of [
      "{ nothing }",
      "mutation ($e: Int!) { login(input: { email: $e, password: $e }) { token } }",
      "mutation ($unused: Int) { logout { revokedSessions } }",
      "mutation { logout(nothing: 1) { revokedSessions } }",
      "mutation { logout @include(if: 3) { revokedSessions } }",
    ]) {
      const { status, data, errors } = await gateway.graphql(document);
      expect([status, data, errors?.[0].extensions.code]).toEqual([
        200,
        undefined,
        "GRAPHQL_VALIDATION_FAILED",
      ]);
    }
    const syntax = await gateway.graphql("{ me { id }");
    expect(syntax.errors?.[0].extensions.code).toBe("GRAPHQL_PARSE_FAILED");
    const unnamed = await gateway.graphql("query a { me { id } } query b { me { id } }");
    expect(unnamed.errors?.[0].extensions.code).toBe("OPERATION_RESOLUTION_FAILURE");
  });

  it("hide what was not foreseen, and log it under the id that the caller gets (ASVS V16.5.1)", async () => {
    await gateway.sql("alter table sessions rename column ip to address");
    try {
      const { data, errors } = await gateway.graphql(
        "mutation ($input: RegisterInput!) { register(input: $input) { token } }",
        { input: { ...ada, password: "a very secret password" } },
      );
      expect(data).toBeNull();
      expect(errors).toHaveLength(1);
      const [{ message, extensions }] = errors as [{ message: string; extensions: Record<string, string> }];
      expect(extensions).toEqual({
        code: "INTERNAL_SERVER_ERROR",
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      });
      expect(message).toBe(
        `Something went wrong on our side. Quote request id ${extensions["requestId"]} when you report it.`,
      );
      const logged = gateway.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 50);
      expect(logged).toEqual([
        expect.objectContaining({
          requestId: extensions["requestId"],
          msg: "unforeseen failure",
          err: expect.objectContaining({ code: "42703", message: expect.stringContaining("ip") }),
        }),
      ]);
      expect(gateway.log.join("")).not.toMatch(/very secret|argon2id|insert into/);
    } finally {
      await gateway.sql("alter table sessions rename column address to ip");
    }
  });

  it("keep what a row holds out of the log", async () => {
    const { token } = await register(gateway, ada);
    await gateway.sql("alter table users add constraint no_diary check (bio is null)");
    try {
      const bio = "my diary\n    at diary (/home/diary.ts:1:1)";
      const answer = await gateway.graphql(
        "mutation ($bio: String!) { updateUser(input: { bio: $bio }) { user { id } } }",
        { bio },
        `Token ${token}`,
      );
      expect(answer.errors?.[0].extensions.code).toBe("INTERNAL_SERVER_ERROR");
      const logged = gateway.log.filter((line) => line.includes("no_diary"));
      expect(logged).toHaveLength(1);
      expect(logged.join("")).not.toMatch(/my diary|at diary|argon2|ada@example/);
    } finally {
      await gateway.sql("alter table users drop constraint no_diary");
    }
  });

  it("answer every kind of bad text with a field error (ASVS V2.2.1)", async () => {
    const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    const bad = {
      "a\0b": "Null characters are not allowed.",
      "a\udfffb": "Surrogate characters are not allowed: U+DFFF.",
    };
    for (const [text, message] of Object.entries(bad)) {
      const input = {
        email: `${text}@example.com`,
        username: text,
        password: `${text}12345678`,
        bio: text,
        fullName: text,
      };
      expect(errorsOf(await gateway.graphql(document, { input }))).toEqual({
        email: [message, "Enter a valid email address."],
        username: [message],
        password: [message],
        bio: [message],
        fullName: [message],
      });
      for (const name of ["email", "username"]) {
        const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
        const answer = await gateway.graphql(login, { input: { [name]: text, password: text } });
        expect(errorsOf(answer)).toEqual({ [name]: [message], password: [message] });
      }
    }
    const literal = await gateway.graphql(
      String.raw`mutation { register(input: { email: "a@b.co", username: "\u0000", password: "long enough" }) { token } }`,
    );
    expect(errorsOf(literal)).toEqual({ username: ["Null characters are not allowed."] });
  });

  it("are clear for bodies and headers that make no sense", async () => {
    for (const body of [
      null,
      [],
      "text",
      3,
      {},
      { query: 3 },
      { query: "" },
      { query: "{ me { id } }", variables: [] },
    ]) {
      const { status, errors } = await rawRequest(gateway.url, { body });
      expect([status, errors?.[0].extensions.code]).toEqual([400, "BAD_REQUEST"]);
    }
    const nested = await rawRequest(gateway.url, { body: { query: `{${"a{".repeat(40_000)}` } });
    expect(nested.errors?.[0].message).toMatch(/token limit|Syntax Error/i);
    const deep = `[`.repeat(45_000) + `]`.repeat(45_000);
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"query":"mutation ($input: LoginInput!) { login(input: $input) { token } }","variables":{"input":{"email":${deep},"password":"x"}}}`,
    });
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { errors: { email: ["Not a valid string."] } } }],
    });
    const odd = await rawRequest(gateway.url, {
      body: { query: "{ me { id } }" },
      authorization: "Token \ud83d\ude00\u00ff",
    });
    expect(reasonOf(odd)).toBe("TOKEN_INVALID");
  });
});
