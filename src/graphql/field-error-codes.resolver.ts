import { Query, registerEnumType, Resolver } from "type-graphql";
import { fieldErrorCatalogue } from "../field-errors.ts";
import type { FieldErrorCode } from "../field-errors.ts";

const codes = Object.keys(fieldErrorCatalogue) as FieldErrorCode[];

const FieldErrorCodeEnum = Object.fromEntries(codes.map((code) => [code, code]));

registerEnumType(FieldErrorCodeEnum, {
  name: "FieldErrorCode",
  description:
    "The error of an input field. `extensions.errorCodes` of a BAD_USER_INPUT error has a code for each " +
    "message of `extensions.errors`, by the same fields in the same order, so that apps can translate the messages.",
  valuesConfig: Object.fromEntries(
    codes.map((code) => [code, { description: descriptionOf(fieldErrorCatalogue[code]) }]),
  ),
});

function descriptionOf({ message, description }: { message: string; description: string }): string {
  return `${description} Message: \`${message}\``;
}

/** Makes the enum part of the schema: errors are no types of GraphQL, so no other field can have it. */
@Resolver()
export class FieldErrorCodesResolver {
  @Query(() => [FieldErrorCodeEnum], {
    name: "fieldErrorCodes",
    description: "Every code that `extensions.errorCodes` of an error can have.",
  })
  listFieldErrorCodes(): FieldErrorCode[] {
    return codes;
  }
}
