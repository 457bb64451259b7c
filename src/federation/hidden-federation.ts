import type { GraphQLSchema } from "graphql";

const fields = ["_entities", "_service"];
const types = ["_Any", "_Entity", "_Service"];

/**
 * Leaves what only federation gateways use out of introspection, printed schemas and suggestions, which enumerate
 * fields and types. Execution and validation look them up by name, and still find them.
 */
export function hideFederation(schema: GraphQLSchema): void {
  hide(schema.getQueryType()?.getFields() ?? {}, fields);
  hide(schema.getTypeMap(), types);
}

function hide(members: object, names: readonly string[]): void {
  for (const name of names) Object.defineProperty(members, name, { enumerable: false });
}
