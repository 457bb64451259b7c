import { GraphQLError, Kind } from "graphql";
import type { ExecutionResult } from "graphql";
import { InvalidInput } from "../errors.ts";
import type { FieldErrors } from "../errors.ts";
import { FieldError } from "../field-errors.ts";

/** GraphQL repeats the value that was sent; its beginning will do. */
const longestMessage = 300;

/**
 * GraphQL coerces the variables of queries and directives, and reports each faulty one by itself; the caller gets one
 * entry with the whole map, by the names of the variables.
 */
export function withOneEntryForVariables(result: ExecutionResult): ExecutionResult {
  const faults = result.errors ?? [];
  // Callers name the variables, so no name may already mean something.
  const errors = Object.create(null) as FieldErrors;
  for (const { message, path, nodes } of faults) {
    const [node] = nodes ?? [];
    if (node?.kind !== Kind.VARIABLE_DEFINITION || path) return result;
    (errors[node.variable.name.value] ??= []).push(
      FieldError.of("VARIABLE_INVALID", { reason: message.slice(0, longestMessage) }),
    );
  }
  if (faults.length === 0) return result;
  const originalError = new InvalidInput(errors);
  const nodes = faults.flatMap((fault) => fault.nodes ?? []);
  return { ...result, errors: [new GraphQLError(originalError.message, { originalError, nodes })] };
}
