import { GraphQLError, Kind } from "graphql";
import type { GraphQLFormattedError } from "graphql";
import { CallerError, InvalidInput } from "../errors.ts";

/** The part of a logger that failures need. */
export interface ErrorLog {
  error(details: object, message: string): void;
}

export type ErrorFormatter = (errors: readonly GraphQLError[], requestId: string) => GraphQLFormattedError[];

/** The one place where failures become entries of `errors`; what is not meant for the caller goes to the log instead. */
export function createErrorFormatter(logger: ErrorLog): ErrorFormatter {
  return (errors, requestId) => oneEntryForVariables(errors).map((error) => format(error, requestId, logger));
}

function format(error: GraphQLError, requestId: string, logger: ErrorLog): GraphQLFormattedError {
  const cause = error.originalError;
  const { message, locations, path } = error.toJSON();
  const place = { ...(locations && { locations }), ...(path && { path }) };
  if (cause instanceof CallerError)
    return { message: cause.message, ...place, extensions: { code: cause.code, ...cause.details } };
  // An error of GraphQL itself (syntax, validation, coercion) has no other error behind it, and speaks to the caller.
  if (cause === undefined || cause instanceof GraphQLError) {
    const { stacktrace: _never, ...extensions } = error.extensions;
    return { message, ...place, extensions: { code: "GRAPHQL_VALIDATION_FAILED", ...extensions } };
  }
  return { ...internalError(cause, requestId, logger), ...place };
}

/** Nothing of the cause reaches the caller; the log has it under the id that the caller is given. */
export function internalError(cause: unknown, requestId: string, logger: ErrorLog): GraphQLFormattedError {
  logger.error({ requestId, err: cause }, "unforeseen failure");
  return {
    message: `Something went wrong on our side. Quote request id ${requestId} when you report it.`,
    extensions: { code: "INTERNAL_SERVER_ERROR", requestId },
  };
}

/** GraphQL reports each faulty variable of a query by itself; the caller gets one entry with the whole map. */
function oneEntryForVariables(errors: readonly GraphQLError[]): readonly GraphQLError[] {
  const faults = errors.filter((error) => error.nodes?.[0]?.kind === Kind.VARIABLE_DEFINITION && !error.path);
  if (faults.length === 0 || faults.length < errors.length) return errors;
  const map: Record<string, string[]> = {};
  for (const fault of faults) {
    const [node] = fault.nodes ?? [];
    if (node?.kind === Kind.VARIABLE_DEFINITION) (map[node.variable.name.value] ??= []).push(fault.message);
  }
  const cause = new InvalidInput(map);
  return [
    new GraphQLError(cause.message, {
      originalError: cause,
      nodes: faults.flatMap((fault) => fault.nodes ?? []),
    }),
  ];
}
