import { GraphQLError, Kind, OperationTypeNode } from "graphql";
import type {
  FieldNode,
  FragmentDefinitionNode,
  GraphQLSchema,
  SelectionNode,
  SelectionSetNode,
} from "graphql";
import { Extensions } from "type-graphql";
import type { Operation } from "./executor.ts";
import { Literal, rawArguments, rawValue, rawVariables } from "./raw-values.ts";

type Values = Readonly<Record<string, unknown>>;

/** Marks a mutation that tries or makes a password or a token; `when`: by its arguments as they were sent. */
export const CredentialOperation = (when: (args: Values) => boolean = () => true) =>
  Extensions({ triesCredentials: when });

/**
 * Throttles count attempts, so what could carry hundreds of them in one request is refused before the first one runs.
 * Aliases and fragments count, what `@skip` and `@include` leave out does not.
 */
export function tooManyCredentialOperations(
  schema: GraphQLSchema,
  { document, operation, variables: sent }: Omit<Operation, "context">,
  most: number,
): GraphQLError | undefined {
  if (operation.operation !== OperationTypeNode.MUTATION) return undefined;
  const variables = rawVariables(operation, sent);
  const fragments = new Map(
    document.definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node]),
  );
  const executed = executedFields(operation.selectionSet, fragments, variables);
  const mutations = schema.getMutationType()?.getFields() ?? {};
  const nodes = [...executed.values()].filter((node) => {
    const when = mutations[node.name.value]?.extensions["triesCredentials"];
    return typeof when === "function" && when(rawArguments(node, variables)) === true;
  });
  if (nodes.length <= most) return undefined;
  return new GraphQLError(
    `The request exceeds the limit of ${most} on operations with a password or a refresh token. Send them one by one.`,
    { nodes: nodes.slice(most, most + 1), extensions: { code: "BAD_REQUEST" } },
  );
}

/** The root fields that run, by the name of their answer: two of one name are the same field. */
function executedFields(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Values,
  fields = new Map<string, FieldNode>(),
  entered = new Set<string>(),
): Map<string, FieldNode> {
  for (const node of selections) {
    if (!isIncluded(node, variables)) continue;
    if (node.kind === Kind.FIELD) fields.set((node.alias ?? node.name).value, node);
    else if (node.kind === Kind.INLINE_FRAGMENT)
      executedFields(node.selectionSet, fragments, variables, fields, entered);
    else if (!entered.has(node.name.value)) {
      const fragment = fragments.get(node.name.value);
      entered.add(node.name.value);
      if (fragment) executedFields(fragment.selectionSet, fragments, variables, fields, entered);
    }
  }
  return fields;
}

function isIncluded({ directives = [] }: SelectionNode, variables: Values): boolean {
  return directives.every((directive) => {
    const [argument] = directive.arguments ?? [];
    const value = argument && rawValue(argument.value, variables);
    const given = value instanceof Literal && value.node.kind === Kind.BOOLEAN ? value.node.value : value;
    return directive.name.value === "skip" ? given !== true : given !== false;
  });
}
