import {
  getNamedType,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  ProvidedRequiredArgumentsRule,
  specifiedRules,
  validate,
  ValuesOfCorrectTypeRule,
  visitInParallel,
} from "graphql";
import type { DocumentNode, GraphQLSchema, ValidationContext, ValidationRule } from "graphql";
import { documentTooLarge } from "./document-limits.ts";

/** All that is said where the schema is kept back: names in a message, or the place of a fault, would spell it out. */
const doesNotFit = new GraphQLError(
  "The document does not fit the schema. What is wrong with it is said only where introspection is on.",
);

export type Validate = (document: DocumentNode) => readonly GraphQLError[];

/**
 * Validates documents, each once, and only those that are of reasonable size. Values in the arguments of mutations are left to the input checks, which report every
 * fault at once in the caller's terms; all else is the specification's.
 */
export function createValidator(
  schema: GraphQLSchema,
  { introspection }: { introspection: boolean },
): Validate {
  const rules = specifiedRules.map((rule) =>
    rule === ValuesOfCorrectTypeRule || rule === ProvidedRequiredArgumentsRule
      ? exceptInMutationArguments(rule)
      : rule,
  );
  rules.push(onlyOperationsOfTheSchema);
  if (!introspection) rules.push(NoSchemaIntrospectionCustomRule, noSubgraphIntrospection);
  const results = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  const findErrors = (document: DocumentNode) => {
    const tooLarge = documentTooLarge(schema, document);
    if (tooLarge) return [tooLarge];
    const errors = validate(schema, document, rules, { maxErrors: 20, hideSuggestions: !introspection });
    return introspection || errors.length === 0 ? errors : [doesNotFit];
  };

  return (document) => {
    let errors = results.get(document);
    if (errors === undefined) {
      errors = findErrors(document);
      results.set(document, errors);
    }
    return errors;
  };
}

/** The specification's rules let a subscription through where there are none, to fail when it runs. */
const onlyOperationsOfTheSchema: ValidationRule = (context) => ({
  OperationDefinition(node) {
    if (!context.getSchema().getRootType(node.operation))
      context.reportError(new GraphQLError(`The schema has no ${node.operation}.`, { nodes: node }));
  },
});

/** The schema as text, which Apollo Federation asks every subgraph for. */
const noSubgraphIntrospection: ValidationRule = (context) => ({
  Field(node) {
    if (getNamedType(context.getType())?.name === "_Service")
      context.reportError(
        new GraphQLError(
          `GraphQL introspection has been disabled, but the requested query contained the field "${node.name.value}".`,
          { nodes: node },
        ),
      );
  },
});

/** Defaults of a mutation's variables count as its arguments: that is where they go. */
function exceptInMutationArguments(rule: ValidationRule): ValidationRule {
  return (context) => {
    const mutation = context.getSchema().getMutationType();
    let operation: OperationTypeNode | undefined;
    const reportError = (error: GraphQLError) => {
      const parent = context.getParentType();
      const inDefault = parent == null && operation === OperationTypeNode.MUTATION;
      const inArgument = parent != null && parent === mutation;
      if (context.getDirective() || !(inDefault || inArgument)) context.reportError(error);
    };
    const observed = Object.create(context, { reportError: { value: reportError } }) as ValidationContext;
    return visitInParallel([
      { OperationDefinition: (node) => void (operation = node.operation) },
      rule(observed),
    ]);
  };
}
