import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import { fieldErrorCatalogue } from "../../src/field-errors.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { errorsOf } from "../support/operations.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ NODE_ENV: "production", RATE_LIMIT: "off" });
});
afterAll(() => gateway.close());

const fixed = {
  message:
    "The document does not fit the schema. What is wrong with it is said only where introspection is on.",
  extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
};

const ask = async (query: string, variables?: object) => {
  const answer = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Token x" },
    body: JSON.stringify({ query, variables }),
  });
  return answer.text();
};

/** Every name in the schema: types, fields, arguments and enum values. */
const schemaNames = () => {
  const types = Object.values(gateway.app.schema.getTypeMap());
  const ours = types.filter((type) => !isSpecifiedScalarType(type) && !type.name.startsWith("__"));
  const names = ours.flatMap((type) => [
    type.name,
    ...(isEnumType(type) ? type.getValues().map(({ name }) => name) : []),
    ...(isInputObjectType(type) ? Object.keys(type.getFields()) : []),
    ...(isObjectType(type) || isInterfaceType(type)
      ? Object.values(type.getFields()).flatMap(({ name, args }) => [name, ...args.map((each) => each.name)])
      : []),
  ]);
  return [...new Set(names)];
};
const words = (text: string) => new Set(text.match(/\w+/g));

const documents = (guess: string) => [
  `{ ${guess} }`,
  `{ me { ${guess} } }`,
  `mutation { login(input: { ${guess}: 1 }) { token } logout(scope: ${guess}) { revokedSessions } }`,
  `{ _entities(representations: [{ __typename: "${guess}" }]) { __typename } }`,
];

/** Near misses and misuse, by the validation rule that finds them. */
const faults: Record<string, string[]> = {
  FieldsOnCorrectTypeRule: ["{ mee { id } }", "{ me { emaill } }", "mutation { logn { token } }", "{ User }"],
  KnownArgumentNamesRule: [
    "mutation { logout(scop: ALL) { revokedSessions } }",
    "{ me { sessions(frst: 1) { edges { cursor } } } }",
    "{ me @include(iff: true) { id } }",
  ],
  KnownDirectivesRule: ["{ me @skipp(if: true) { id } }", "query @key { me { id } }"],
  KnownTypeNamesRule: [
    "mutation ($i: RegisterInpu!) { register(input: $i) { token } }",
    "{ me { ... on Usr { id } } }",
    "query ($s: LogoutScop) { me { id } }",
  ],
  ValuesOfCorrectTypeRule: [
    '{ me { sessions(first: "x") { edges { cursor } } } }',
    "query ($n: Int = ALL) { me { sessions(first: $n) { edges { cursor } } } }",
    "{ me @include(if: tru) { id } }",
  ],
  ProvidedRequiredArgumentsRule: ["{ me @include { id } }", "{ _entities { __typename } }"],
  ScalarLeafsRule: ["{ me }", "{ me { id { x } } }", "mutation { logout }"],
  PossibleFragmentSpreadsRule: ["{ me { ... on Session { id } } }", "{ ... on Mutation { __typename } }"],
  FragmentsOnCompositeTypesRule: [
    "{ me { ... on LogoutScope { x } } }",
    "{ me { ...F } } fragment F on Date { x }",
  ],
  VariablesAreInputTypesRule: ["query ($u: User) { me { id } }"],
  VariablesInAllowedPositionRule: [
    "mutation ($i: LoginInput!) { register(input: $i) { token } }",
    "mutation ($i: LogoutScope!) { revokeSession(id: $i) { session { id } } }",
    "query ($n: String) { me { sessions(first: $n) { edges { cursor } } } }",
  ],
  OverlappingFieldsCanBeMergedRule: ["{ me { a: id a: email } }"],
  MaxIntrospectionDepthRule: [
    "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
  ],
  NoUndefinedVariablesRule: ["{ me { sessions(first: $n) { edges { cursor } } } }"],
  NoUnusedVariablesRule: ["query ($n: LogoutScope) { me { id } }"],
  NoUnusedFragmentsRule: ["{ me { id } } fragment F on User { id }"],
  NoFragmentCyclesRule: ["{ me { ...F } } fragment F on User { ...F }"],
  KnownFragmentNamesRule: ["{ me { ...F } }"],
  UniqueFragmentNamesRule: ["{ me { ...F } } fragment F on User { id } fragment F on User { id }"],
  UniqueOperationNamesRule: ["query a { me { id } } query a { me { id } }"],
  UniqueArgumentNamesRule: ["{ me { sessions(first: 1, first: 1) { edges { cursor } } } }"],
  UniqueVariableNamesRule: ["query ($n: Int, $n: Int) { me { sessions(first: $n) { edges { cursor } } } }"],
  UniqueInputFieldNamesRule: ['mutation { login(input: { email: "x", email: "x" }) { token } }'],
  UniqueDirectivesPerLocationRule: ["{ me @skip(if: true) @skip(if: true) { id } }"],
  LoneAnonymousOperationRule: ["{ me { id } } { me { id } }"],
  ExecutableDefinitionsRule: [
    "{ me { id } } type User { id: ID }",
    "{ me { id } } extend enum LogoutScope { X }",
  ],
  SingleFieldSubscriptionsRule: ["subscription { me { id } a: me { id } }"],
};

describe("with introspection off", () => {
  it("there is a fault here for every rule of validation that can be broken", () => {
    const broken = specifiedRules.filter((rule) =>
      Object.values(faults)
        .flat()
        .some((query) => validate(gateway.app.schema, parse(query), [rule]).length > 0),
    );
    // There are no subscriptions whose fields could be counted.
    const names = specifiedRules
      .map(({ name }) => name)
      .filter((name) => name !== "SingleFieldSubscriptionsRule");
    expect(broken.map(({ name }) => name)).toEqual(names);
  });

  it.each(Object.entries(faults))("%s says nothing, and not where", async (_rule, queries) => {
    for (const query of queries) expect(JSON.parse(await ask(query))).toEqual({ errors: [fixed] });
  });

  it("introspection says nothing (ASVS V4.3.2)", async () => {
    const queries = [
      getIntrospectionQuery(),
      "{ __schema { queryType { name } } }",
      '{ __type(name: "User") { name } }',
      "{ _service { sdl } }",
      "subscription { me { id } }",
    ];
    for (const query of queries) expect(JSON.parse(await ask(query))).toEqual({ errors: [fixed] });
  });

  it("no guess brings a name that was not in it", async () => {
    const names = schemaNames();
    const guesses = names
      .flatMap((name) => [name.slice(0, -1), `${name}s`, name.toLowerCase(), name.toUpperCase()])
      .filter((guess) => guess.length > 1 && !names.includes(guess));
    // What the fields of an input are that must be given, says the map of errors: it is what forms are made with.
    const told = new Set([
      "errors",
      "error",
      "data",
      "message",
      "password",
      "email",
      "username",
      "path",
      "token",
      // Codes of field errors are in the documentation, so that apps can translate them.
      ...Object.keys(fieldErrorCatalogue),
    ]);
    for (const guess of guesses.filter((_, index) => index % 4 === 0))
      for (const query of documents(guess)) {
        const answer = words(await ask(query));
        const asked = words(query);
        expect(names.filter((name) => answer.has(name) && !asked.has(name) && !told.has(name))).toEqual([]);
      }
  });

  it("a fault in what was sent is still said, by the names that were sent", async () => {
    const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
    const input = { email: 3, pasword: "x", password: null };
    expect(errorsOf(await gateway.graphql(login, { input }))).toEqual({
      email: ["Not a valid string."],
      password: ["This field may not be null."],
      error: ['Field "pasword" is not defined.'],
    });
    const scope = 'mutation ($s: LogoutScope!) { logout(scope: $s, refreshToken: "x") { revokedSessions } }';
    expect(errorsOf(await gateway.graphql(scope, { s: "al" }))).toEqual({ scope: ["Not a valid choice."] });
    const query = "query ($yes: Boolean!) { me @include(if: $yes) { id } }";
    expect(Object.keys(errorsOf(await gateway.graphql(query, { yes: "x" })))).toEqual(["yes"]);
  });

  it("syntax and limits are still named", async () => {
    expect(JSON.parse(await ask("{ me { id }"))).toMatchObject({
      errors: [
        {
          message: "Syntax Error: Expected Name, found <EOF>.",
          extensions: { code: "GRAPHQL_PARSE_FAILED" },
        },
      ],
    });
    const deep = `{ ${"a { ".repeat(16)} b ${"} ".repeat(16)} }`;
    expect(JSON.parse(await ask(deep))).toMatchObject({
      errors: [{ message: "The document exceeds the depth limit of 15." }],
    });
  });
});
