import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { InvalidInput } from "../src/errors.ts";
import { FieldError, fieldErrorCatalogue } from "../src/field-errors.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { expectCodes, register } from "./support/operations.ts";

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ REAUTHENTICATE_AFTER: "0s" });
  ({ token } = await register(gateway, {
    email: "ada@example.com",
    username: "ada",
    password: "correct horse battery",
  }));
});
afterAll(() => gateway.close());

const registration = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const update = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
const sessions = 'query ($first: Int!) { me { sessions(first: $first, after: "x") { edges { cursor } } } }';
const entities = "query ($list: [_Any!]!) { _entities(representations: $list) { __typename } }";

const cases: [what: string, document: string, variables: object, codes: Record<string, string[]>][] = [
  [
    "missing, null, blank and wrong types",
    registration,
    { input: { username: null, password: 3, bio: " ", fullName: ["a"], birthDate: "x" } },
    {
      email: ["REQUIRED"],
      username: ["NULL"],
      password: ["STRING_INVALID"],
      bio: ["BLANK"],
      fullName: ["STRING_INVALID"],
      birthDate: ["DATE_INVALID"],
    },
  ],
  [
    "several errors of one field",
    registration,
    { input: { email: `${"é\0".repeat(200)}\ud800`, username: "a".repeat(256), password: "a" } },
    {
      email: ["TOO_LONG", "NULL_CHARACTER", "SURROGATE_CHARACTER", "EMAIL_INVALID"],
      username: ["TOO_LONG"],
      password: ["TOO_SHORT"],
    },
  ],
  [
    "names that are taken and a common password",
    registration,
    { input: { email: "ada@example.com", username: "ADA", password: "password123" } },
    { email: ["EMAIL_TAKEN"], username: ["USERNAME_TAKEN"], password: ["PASSWORD_TOO_COMMON"] },
  ],
  [
    "a password made of names",
    registration,
    {
      input: {
        email: "babbage1791@example.com",
        username: "analytical",
        fullName: "Charles Babbage1791",
        password: "babbage1791",
      },
    },
    { password: ["PASSWORD_LIKE_EMAIL", "PASSWORD_LIKE_FULL_NAME"] },
  ],
  ["an input that is no object", registration, { input: 3 }, { error: ["OBJECT_INVALID"] }],
  [
    "unknown fields",
    registration,
    { input: { email: "x@example.com", username: "x", password: "a fine password", "{name}": 1, $1: 2 } },
    { error: ["FIELD_UNKNOWN", "FIELD_UNKNOWN"] },
  ],
  [
    "both names at a sign-in",
    "mutation ($input: LoginInput!) { login(input: $input) { token } }",
    { input: { email: "a", username: "a", password: "a" } },
    { error: ["EMAIL_AND_USERNAME"] },
  ],
  [
    "a wrong password",
    "mutation ($input: LoginInput!) { login(input: $input) { token } }",
    { input: { username: "ada", password: "a" } },
    { error: ["CREDENTIALS_INVALID"] },
  ],
  [
    "a change without the current password",
    update,
    { input: { password: "another fine password" } },
    { currentPassword: ["CURRENT_PASSWORD_REQUIRED"] },
  ],
  [
    "a change with a wrong current password",
    update,
    { input: { password: "another fine password", currentPassword: "wrong" } },
    { currentPassword: ["CURRENT_PASSWORD_INCORRECT"] },
  ],
  [
    "a wrong enum value and a wrong token",
    "mutation { logout(scope: SOME, refreshToken: 3) { revokedSessions } }",
    {},
    { scope: ["CHOICE_INVALID"], refreshToken: ["STRING_INVALID"] },
  ],
  ["a wrong scalar", "mutation { revokeSession(id: 1.5) { session { id } } }", {}, { id: ["VALUE_INVALID"] }],
  ["pages", sessions, { first: 1000 }, { first: ["VALUE_TOO_LARGE"], after: ["CURSOR_INVALID"] }],
  ["a variable of a query that is missing", sessions, {}, { first: ["VARIABLE_INVALID"] }],
  ["a variable of a query of a wrong type", sessions, { first: "many" }, { first: ["VARIABLE_INVALID"] }],
  ["references", entities, { list: [{ __typename: "Planet" }] }, { representations: ["REFERENCE_INVALID"] }],
  [
    "too many references",
    entities,
    { list: Array.from({ length: 1_001 }, () => ({})) },
    { representations: ["REFERENCE_LIMIT_EXCEEDED"] },
  ],
];

describe("errorCodes", () => {
  it.each(cases)("has a code for each message: %s", async (_what, document, variables, codes) => {
    const { errors } = await gateway.graphql(document, variables, `Token ${token}`);
    expect(errors).toHaveLength(1);
    const extensions = errors?.[0].extensions;
    expect(JSON.stringify(extensions.errorCodes)).toBe(JSON.stringify(codes));
    expectCodes(extensions);
  });

  it("comes with the parameters of messages, and without them where there are none", () => {
    const { errors, errorParams } = new InvalidInput({
      a: [FieldError.of("REQUIRED")],
      b: [FieldError.of("TOO_SHORT", { minimum: 8 }), FieldError.of("FIELD_UNKNOWN", { name: "{minimum}" })],
    }).details;
    expect(errors["b"]?.[1]).toBe('Field "{minimum}" is not defined.');
    expect(errorParams).toEqual({ a: [{}], b: [{ minimum: 8 }, { name: "{minimum}" }] });
    expect(new InvalidInput({ a: [FieldError.of("REQUIRED")] }).details).toEqual({
      errors: { a: ["This field is required."] },
      errorCodes: { a: ["REQUIRED"] },
    });
  });

  it("is complete by type: no field error is without a code or a parameter", () => {
    const refused = [
      // @ts-expect-error a text is no field error
      () => new InvalidInput({ email: ["Enter a valid email address."] }),
      // @ts-expect-error nor is an object that looks like one
      () => new InvalidInput({ email: [{ code: "REQUIRED", message: "", parameters: {} }] }),
      // @ts-expect-error the message needs a minimum
      () => FieldError.of("TOO_SHORT"),
      // @ts-expect-error no code of that name
      () => FieldError.of("NONSENSE"),
      // @ts-expect-error the message has no parameter
      () => FieldError.of("REQUIRED", { minimum: 8 }),
    ];
    expect(refused).toHaveLength(5);
  });
});

describe("the catalogue of field errors", () => {
  it("is the enum of the schema, and what fieldErrorCodes lists", async () => {
    const { data } = await gateway.graphql(
      '{ fieldErrorCodes __type(name: "FieldErrorCode") { enumValues { name } } }',
    );
    const codes = Object.keys(fieldErrorCatalogue);
    expect(data.fieldErrorCodes).toEqual(codes);
    expect(data.__type.enumValues.map(({ name }: { name: string }) => name)).toEqual(codes);
  });

  it("has no two codes for one message", () => {
    const messages = Object.values(fieldErrorCatalogue).map(({ message }) => message);
    expect(new Set(messages).size).toBe(messages.length);
  });
});
