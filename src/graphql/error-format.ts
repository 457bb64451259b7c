import { GraphQLError } from "graphql";
import type { GraphQLFormattedError } from "graphql";
import { CallerError } from "../errors.ts";

/** The part of a logger that failures need. */
export interface ErrorLog {
  error(details: object, message: string): void;
}

export type ErrorFormatter = (errors: readonly GraphQLError[], requestId: string) => GraphQLFormattedError[];

/** The one place where failures become entries of `errors`; what is not meant for the caller goes to the log instead. */
export function createErrorFormatter(logger: ErrorLog): ErrorFormatter {
  return (errors, requestId) => errors.map((error) => format(error, requestId, logger));
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
