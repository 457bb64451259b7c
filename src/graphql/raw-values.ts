import { Kind } from "graphql";
import type { FieldNode, OperationDefinitionNode, ValueNode } from "graphql";

/** A scalar or enum value written in the query: it is read by other rules than a value of a variable. */
export class Literal {
  readonly node: ValueNode;

  constructor(node: ValueNode) {
    this.node = node;
  }
}

type Values = Readonly<Record<string, unknown>>;

/** What was written or sent for an argument, uncoerced; undefined when it was left out. */
export function rawValue(node: ValueNode, variables: Values): unknown {
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables[node.name.value];
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => rawValue(item, variables) ?? null);
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields
          .map((field) => [field.name.value, rawValue(field.value, variables)] as const)
          .filter(([, value]) => value !== undefined),
      );
    default:
      return new Literal(node);
  }
}

/** All arguments of a field by name. */
export function rawArguments(node: FieldNode, variables: Values): Record<string, unknown> {
  return Object.fromEntries(
    (node.arguments ?? []).map((argument) => [argument.name.value, rawValue(argument.value, variables)]),
  );
}

/** The sent variables that the operation declares, with its own defaults for those left out. */
export function rawVariables(operation: OperationDefinitionNode, sent: Values): Values {
  const variables: Record<string, unknown> = Object.create(null);
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (Object.hasOwn(sent, name)) variables[name] = sent[name];
    else if (defaultValue !== undefined) variables[name] = rawValue(defaultValue, variables);
  }
  return variables;
}
