import {
  NoSchemaIntrospectionCustomRule,
  ProvidedRequiredArgumentsRule,
  specifiedRules,
  validate,
  ValuesOfCorrectTypeRule,
} from "graphql";
import type { DocumentNode, GraphQLError, GraphQLSchema, ValidationContext, ValidationRule } from "graphql";

/**
 * Validates documents, each once. Values in the arguments of mutations are left to the input checks, which report every
 * fault at once in the caller's terms; all else is the specification's.
 */
export function createValidator(
  schema: GraphQLSchema,
  { introspection }: { introspection: boolean },
): (document: DocumentNode) => readonly GraphQLError[] {
  const rules = specifiedRules.map((rule) =>
    rule === ValuesOfCorrectTypeRule || rule === ProvidedRequiredArgumentsRule
      ? exceptInMutationArguments(rule)
      : rule,
  );
  if (!introspection) rules.push(NoSchemaIntrospectionCustomRule);
  const results = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  return (document) => {
    let errors = results.get(document);
    if (errors === undefined) {
      // Suggestions would spell out the schema that a hidden introspection keeps back.
      errors = validate(schema, document, rules, { maxErrors: 20, hideSuggestions: !introspection });
      results.set(document, errors);
    }
    return errors;
  };
}

function exceptInMutationArguments(rule: ValidationRule): ValidationRule {
  return (context) => {
    const mutation = context.getSchema().getMutationType();
    const reportError = (error: GraphQLError) => {
      const inArgument = context.getParentType() === mutation && !context.getDirective();
      if (!inArgument) context.reportError(error);
    };
    return rule(Object.create(context, { reportError: { value: reportError } }) as ValidationContext);
  };
}
