import "reflect-metadata";
import { describe, expect, it } from "@jest/globals";
import {
  buildClientSchema,
  buildSchema,
  findBreakingChanges,
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  isTypeDefinitionNode,
  lexicographicSortSchema,
  parse,
  printSchema,
} from "graphql";
import type { GraphQLArgument, GraphQLField, GraphQLNamedType, IntrospectionQuery } from "graphql";
import { readFileSync } from "node:fs";
import { buildGatehouseSchema } from "../src/schema.ts";
import { startGateway } from "./support/gateway.ts";

const schema = buildGatehouseSchema();
const file = readFileSync(new URL("../schema.graphql", import.meta.url), "utf8");

/** Everything of the API that can have a description, by its coordinate. */
function* described(): Generator<[coordinate: string, description: string | null | undefined]> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    yield [type.name, type.description];
    if (isEnumType(type))
      for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description];
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields()))
        yield [`${type.name}.${field.name}`, field.description];
    if (isObjectType(type))
      for (const field of Object.values(type.getFields())) {
        yield [`${type.name}.${field.name}`, field.description];
        for (const argument of field.args)
          yield [`${type.name}.${field.name}(${argument.name}:)`, argument.description];
      }
  }
}

describe("the schema", () => {
  it("describes every type, field, argument and enum value", () => {
    const all = [...described()];
    expect(all.length).toBeGreaterThan(50);
    expect(all.filter(([, description]) => (description ?? "").length < 15)).toEqual([]);
  });

  it("breaks nothing of what clients rely on", () => {
    const contract = readFileSync(new URL("contract.graphql", import.meta.url), "utf8");
    const promised = buildSchema(contract, { assumeValidSDL: true });
    expect(findBreakingChanges(promised, schema)).toEqual([]);
  });

  it("lets subgraphs refer to a user, as the contract promises", () => {
    const contract = readFileSync(new URL("contract.graphql", import.meta.url), "utf8");
    const subgraph = readFileSync(new URL("../subgraph.graphql", import.meta.url), "utf8");
    const promised = /^type User @key\(.*\)/m.exec(contract)?.[0];
    expect(promised).toBeDefined();
    expect(subgraph).toContain(promised);
  });

  it("keeps the order in which faults are reported", () => {
    const fieldsOf = (name: string) => {
      const type = schema.getType(name);
      return isInputObjectType(type) ? Object.keys(type.getFields()) : [];
    };
    expect(fieldsOf("RegisterInput")).toEqual([
      "email",
      "username",
      "password",
      "bio",
      "fullName",
      "birthDate",
    ]);
    expect(fieldsOf("LoginInput")).toEqual(["email", "username", "password"]);
    expect(fieldsOf("UpdateUserInput")).toEqual([
      "email",
      "username",
      "password",
      "currentPassword",
      "bio",
      "fullName",
      "birthDate",
    ]);
    const logout = schema.getMutationType()?.getFields()["logout"];
    expect(logout?.args.map(({ name }) => name)).toEqual(["scope", "refreshToken"]);
  });
});

const namedTypeOf = ({ type }: GraphQLArgument | GraphQLField<unknown, unknown>): GraphQLNamedType =>
  getNamedType(type);

describe("schema.graphql", () => {
  it("is what introspection of the endpoint gives, to the byte", async () => {
    const gateway = await startGateway();
    try {
      const { data, errors } = await gateway.graphql(getIntrospectionQuery());
      expect(errors).toBeUndefined();
      const introspected = buildClientSchema(data as IntrospectionQuery);
      expect(`${printSchema(lexicographicSortSchema(introspected))}\n`).toBe(file);
      expect(findBreakingChanges(buildSchema(file), introspected)).toEqual([]);
      expect(findBreakingChanges(introspected, buildSchema(file))).toEqual([]);
    } finally {
      await gateway.close();
    }
  });

  it("defines types and nothing else: no extension, no directive, nothing of federation", () => {
    const { definitions } = parse(file);
    const others = definitions.filter((definition) => !isTypeDefinitionNode(definition));
    expect(others).toEqual([]);
    const withoutDescriptions = file.replaceAll(/"""[^]*?"""/g, "");
    expect(withoutDescriptions).not.toMatch(/@|\b_(service|entities|Any|Entity|Service)\b/);
  });

  it("has no type that no operation can reach", () => {
    const reached = new Set<string>();
    const reach = (type: GraphQLNamedType) => {
      if (reached.has(type.name)) return;
      reached.add(type.name);
      const fields = isObjectType(type) || isInputObjectType(type) ? Object.values(type.getFields()) : [];
      for (const field of fields)
        for (const each of [field, ...("args" in field ? field.args : [])]) reach(namedTypeOf(each));
    };
    const built = buildSchema(file);
    for (const root of [built.getQueryType(), built.getMutationType()]) if (root) reach(root);
    const names = Object.values(built.getTypeMap())
      .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
      .map(({ name }) => name);
    expect(names.filter((name) => !reached.has(name))).toEqual([]);
  });
});
