import {
  execute,
  getNullableType,
  GraphQLObjectType,
  Kind,
  OperationTypeNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import type { DocumentNode, ExecutionResult, GraphQLSchema, OperationDefinitionNode } from "graphql";
import type { Context } from "./context.ts";
import { rawVariables } from "./raw-values.ts";
import { withOneEntryForVariables } from "./variable-errors.ts";

export interface Operation {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
  context: Context;
}

/**
 * Executes operations so that a mutation sees its arguments as they were sent.
 *
 * GraphQL coerces arguments before a resolver runs, and stops at the first level of faults: a client would never read
 * the whole map of field errors. So mutations run on a twin of the Mutation type that declares no arguments, with the
 * variables that only serve those arguments left undeclared; check-arguments.middleware.ts coerces them instead. The
 * twin's fields are nullable, so that one failed field does not keep a later one from its own answer; as the public
 * types are non-null, `data` is null whenever one of them failed, as GraphQL prescribes. Introspection and validation
 * see the public schema.
 */
export function createExecutor(schema: GraphQLSchema): (operation: Operation) => Promise<ExecutionResult> {
  const twin = withLenientMutations(schema);
  const documents = new WeakMap<OperationDefinitionNode, DocumentNode>();

  return async ({ document, operation, variables, context }) => {
    if (operation.operation !== OperationTypeNode.MUTATION)
      return withOneEntryForVariables(
        await execute({
          schema,
          document,
          operationName: operation.name?.value,
          contextValue: context,
          variableValues: variables,
        }),
      );

    let lenient = documents.get(operation);
    if (lenient === undefined)
      documents.set(operation, (lenient = withoutArgumentVariables(document, operation, schema)));
    context.variables = rawVariables(operation, variables);
    const result = await execute({
      schema: twin,
      document: lenient,
      contextValue: context,
      variableValues: variables,
    });
    const failed = result.data != null && Object.values(result.data).includes(null);
    return withOneEntryForVariables(failed ? { ...result, data: null } : result);
  };
}

function withLenientMutations(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.getMutationType()?.toConfig();
  if (config === undefined) throw new Error("The schema has no mutations.");
  const mutation = new GraphQLObjectType({
    ...config,
    fields: Object.fromEntries(
      Object.entries(config.fields).map(([name, field]) => {
        if (getNullableType(field.type) === field.type) throw new Error(`Mutation.${name} must be non-null.`);
        return [name, { ...field, args: {}, type: getNullableType(field.type) }];
      }),
    ),
  });
  return Object.create(schema, {
    getRootType: {
      value: (operation: OperationTypeNode) =>
        operation === OperationTypeNode.MUTATION ? mutation : schema.getRootType(operation),
    },
    // Fragments name the type that they are on.
    getType: { value: (name: string) => (name === mutation.name ? mutation : schema.getType(name)) },
  }) as GraphQLSchema;
}

/** The operation alone (with the fragments), declaring only the variables that are used outside the mutations' arguments. */
function withoutArgumentVariables(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  schema: GraphQLSchema,
): DocumentNode {
  const used = new Set<string>();
  const types = new TypeInfo(schema);
  const definitions = document.definitions.filter(
    (node) => node.kind === Kind.FRAGMENT_DEFINITION || node === operation,
  );
  visit(
    { kind: Kind.DOCUMENT, definitions },
    visitWithTypeInfo(types, {
      VariableDefinition: () => false,
      Argument: () =>
        types.getParentType() === schema.getMutationType() && !types.getDirective() ? false : undefined,
      Variable: (node) => void used.add(node.name.value),
    }),
  );
  const variableDefinitions =
    operation.variableDefinitions?.filter((node) => used.has(node.variable.name.value)) ?? [];
  return {
    kind: Kind.DOCUMENT,
    definitions: definitions.map((node) =>
      node === operation ? { ...operation, variableDefinitions } : node,
    ),
  };
}
