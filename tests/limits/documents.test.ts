import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { getIntrospectionQuery, getNamedType, getNullableType, isInputObjectType, isListType } from "graphql";
import type { GraphQLArgument, GraphQLFieldMap, GraphQLInputField } from "graphql";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { errorsOf, register } from "../support/operations.ts";

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ RATE_LIMIT: "off" });
  const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
  ({ token } = await register(gateway, ada));
});
afterAll(() => gateway.close());

const json = "application/json";
const graphqlResponse = "application/graphql-response+json";

const post = async (body: unknown, accept = json) => {
  const answer = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": json, accept, authorization: `Token ${token}` },
    body: JSON.stringify(body),
  });
  const type = answer.headers.get("content-type")?.split(";")[0];
  return { status: answer.status, type, ...((await answer.json()) as { errors?: object[]; data?: unknown }) };
};
const refusal = (limit: string) => ({
  message: `The document exceeds the ${limit}.`,
  extensions: { code: "BAD_REQUEST" },
});
const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(" ");

/** Each with so many of what the limit counts. */
const documents: [number, string, (count: number) => string][] = [
  [
    1000,
    "token limit of 1,000",
    (count) => `{ _entities(representations: [${times(count - 12, () => "1")}]) { __typename } }`,
  ],
  [1000, "line limit of 1,000", (count) => `${"\n\r\n".repeat(count / 2 - 1)}\r{ me { id } }`],
  [250, "selection limit of 250", (count) => `{ me { ${times(count - 1, () => "id")} } }`],
  [
    250,
    "selection limit of 250",
    (count) => `{ me { ${times((count - 4) / 2, () => "...{ id }")} id ...U } } fragment U on User { id }`,
  ],
  [30, "directive limit of 30", (count) => `{ me { ${times(count, () => "id @skip(if: true)")} } }`],
  [
    15,
    "depth limit of 15",
    (count) => `{ __schema { types { ${"ofType { ".repeat(count - 3)} name ${"} ".repeat(count - 3)} } } }`,
  ],
  [20, "root field limit of 20", (count) => `{ ${times(count, () => "me { id }")} }`],
  [30, "alias limit of 30", (count) => `{ me { ${times(count, (index) => `a${index}: id`)} } }`],
  [
    5000,
    "complexity limit of 5,000",
    (count) =>
      `{ me { sessions(first: 100) { edges { node { ${times(47, () => "id")} } } } ${times(count - 4902, () => "id")} } }`,
  ],
];

describe("a document", () => {
  it.each(documents)("may have %i and no more: %s (ASVS V4.3.1)", async (most, limit, document) => {
    const allowed = await post({ query: document(most) });
    expect(allowed.status).toBe(200);
    expect(allowed.data).toBeDefined();
    expect(await post({ query: document(most + 2) })).toEqual({
      status: 400,
      type: json,
      errors: [refusal(limit)],
    });
  });

  it.each(documents)(
    "is refused with 400 for any reader, in their type (%i, %s)",
    async (most, limit, of) => {
      const query = of(most + 2);
      expect(await post({ query }, graphqlResponse)).toEqual({
        status: 400,
        type: graphqlResponse,
        errors: [expect.objectContaining({ extensions: { code: "BAD_REQUEST" } })],
      });
      const answer = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(query)}`, {
        headers: { "apollo-require-preflight": "1" },
      });
      expect([answer.status, await answer.json()]).toEqual([400, { errors: [refusal(limit)] }]);
    },
  );

  it("is measured with its fragments spread out, whatever they multiply to (ASVS V4.3.1)", async () => {
    const doubling = times(60, (index) => `fragment F${index} on User { ...F${index + 1} ...F${index + 1} }`);
    const bomb = `{ me { ...F0 } } ${doubling} fragment F60 on User { id }`;
    expect((await post({ query: bomb })).errors).toEqual([refusal("complexity limit of 5,000")]);

    const aliases = `{ me { ...A ...{ ...A } } } fragment A on User { ${times(16, (index) => `a${index}: id`)} }`;
    expect((await post({ query: aliases })).errors).toEqual([refusal("alias limit of 30")]);
    const roots = `{ ...Q ...Q } fragment Q on Query { ${times(11, () => "me { id }")} }`;
    expect((await post({ query: roots })).errors).toEqual([refusal("root field limit of 20")]);
    const deep = `{ __schema { types { ...A } } }
      fragment A on __Type { ofType { ofType { ofType { ofType { ofType { ofType { ...B } } } } } } }
      fragment B on __Type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } }`;
    expect((await post({ query: deep })).errors).toEqual([refusal("depth limit of 15")]);
  });

  it("may not spread a fragment within itself, which is found out at once", async () => {
    const query = "{ me { ...A } } fragment A on User { ...B } fragment B on User { id ...A }";
    const { status, errors } = await post({ query });
    expect(status).toBe(200);
    expect(errors).toMatchObject([{ message: 'Cannot spread fragment "A" within itself via "B".' }]);
  });

  it("counts by the largest of its operations, though another one runs", async () => {
    const query = `query small { me { id } } query large { ${times(21, () => "me { id }")} }`;
    expect(await post({ query, operationName: "small" })).toMatchObject({
      status: 400,
      errors: [refusal("root field limit of 20")],
    });
  });

  it("counts a page at its size, at the largest size where a variable says it", async () => {
    const fields = times(60, () => "id");
    const of = (first: string, n = "") =>
      `query (${n}$no: Boolean!) { me { id @skip(if: $no) sessions${first} { edges { node { ${fields} } } } } }`;
    const variables = { n: 1, no: true };
    for (const small of ["(first: 10)", "", "(first: 1)"])
      expect((await post({ query: of(small), variables })).status).toBe(200);
    for (const large of ["(first: $n)", "(first: 100)", "(first: 99999999999)", "(first: -1)"])
      expect(
        (await post({ query: of(large, large.includes("$n") ? "$n: Int!, " : ""), variables })).errors,
      ).toEqual([refusal("complexity limit of 5,000")]);
  });

  it("of introspection, as tools send it, fits", async () => {
    const full = getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    for (const query of [full, getIntrospectionQuery(), "{ _service { sdl } }"]) {
      const { status, errors } = await post({ query });
      expect([status, errors]).toEqual([200, undefined]);
    }
  });
});

describe("a request", () => {
  it("is one operation: batches are refused", async () => {
    for (const batch of [
      [{ query: "{ __typename }" }],
      [{ query: "{ me { id } }" }, { query: "{ me { id } }" }],
    ])
      expect(await post(batch)).toMatchObject({
        status: 400,
        errors: [{ extensions: { code: "BAD_REQUEST" } }],
      });
  });

  it("may have at most a thousand references to entities", async () => {
    const user = { __typename: "User", id: "x" };
    const query = "query ($list: [_Any!]!) { _entities(representations: $list) { ... on User { id } } }";
    const of = (count: number) => ({ list: Array.from({ length: count }, () => user) });
    expect((await gateway.graphql(query, of(1000))).errors).toBeUndefined();
    const answer = await gateway.graphql(query, of(1001));
    expect(answer.status).toBe(200);
    expect(errorsOf(answer)).toEqual({ representations: ["Ask for less at once: 1000 references at most."] });
  });

  it("gets some hundred errors at most for bad references and for fields of others", async () => {
    const bad = `{ ${times(2, (index) => `a${index}: _entities(representations: [${times(400, () => "1")}]) { __typename }`)} }`;
    const { errors, data } = await gateway.graphql(bad);
    expect(errors).toHaveLength(100);
    expect(data.a1).toEqual(Array.from({ length: 400 }, () => null));

    const [user] = await gateway.sql("select id from users");
    const others = (fields: string) =>
      gateway.graphql(
        `query ($list: [_Any!]!) { _entities(representations: $list) { ... on User { ${fields} } } }`,
        { list: Array.from({ length: 1000 }, () => ({ __typename: "User", ...user })) },
      );
    expect((await others("id username")).errors).toBeUndefined();
    expect(errorsOf(await others("id username fullName"))).toEqual({
      representations: [expect.stringMatching(/^Ask for less at once: references times fields/)],
    });
  });

  it("has no list but that in its input", () => {
    const schema = gateway.app.schema;
    const lists = Object.values(schema.getTypeMap()).flatMap((type) => {
      const inputs: [string, Pick<GraphQLInputField, "type">][] = isInputObjectType(type)
        ? Object.entries(type.getFields())
        : type.name.startsWith("__") || !("getFields" in type)
          ? []
          : argumentsOf(type.getFields());
      return inputs
        .filter(
          ([, input]) => isListType(getNullableType(input.type)) || isListType(getNamedType(input.type)),
        )
        .map(([name]) => `${type.name}.${name}`);
    });
    expect(lists).toEqual(["Query._entities.representations"]);
  });
});

/** Every argument of the fields, of those too that are hidden from whoever enumerates (federation's). */
function argumentsOf(fields: GraphQLFieldMap<unknown, unknown>): [string, GraphQLArgument][] {
  return Object.getOwnPropertyNames(fields).flatMap((name) =>
    (fields[name]?.args ?? []).map((argument): [string, GraphQLArgument] => [
      `${name}.${argument.name}`,
      argument,
    ]),
  );
}
