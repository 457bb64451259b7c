import "reflect-metadata";
import { describe, expect, it } from "@jest/globals";
import {
  buildSchema,
  findBreakingChanges,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from "graphql";
import { readFileSync } from "node:fs";
import { buildGatehouseSchema } from "../src/schema.ts";

const schema = buildGatehouseSchema();

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
