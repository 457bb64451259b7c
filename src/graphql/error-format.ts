import { GraphQLError } from "graphql";
import type { GraphQLFormattedError } from "graphql";
import { isDatabaseOutage } from "../database/database-outage.ts";
import { CallerError, ServiceUnavailable } from "../errors.ts";
import { describeError } from "../logging/logger.ts";

/** The part of a logger that failures need. */
export interface ErrorLog {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export type ErrorFormatter = (errors: readonly GraphQLError[], requestId: string) => GraphQLFormattedError[];

/** Seconds after which a client may try again while the database is out. */
const outageRetryAfter = 5;

/** The one place where failures become entries of `errors`; what is not meant for the caller goes to the log instead. */
export function createErrorFormatter(logger: ErrorLog): ErrorFormatter {
  return (errors, requestId) => errors.map((error) => format(error, requestId, logger));
}

/** What a caller is told of a failure. */
export function entryOf(
  { message, code, details }: Pick<CallerError, "message" | "code" | "details">,
  place: Pick<GraphQLFormattedError, "locations" | "path">,
): GraphQLFormattedError {
  return { message, ...place, extensions: { code, ...details } };
}

function format(error: GraphQLError, requestId: string, logger: ErrorLog): GraphQLFormattedError {
  const cause = error.originalError;
  const { message, locations, path } = error.toJSON();
  const place = { ...(locations && { locations }), ...(path && { path }) };
  const failure = callerErrorOf(cause, requestId, logger);
  if (failure) return entryOf(failure, place);
  // An error of GraphQL itself (syntax, validation, coercion) has no other error behind it, and speaks to the caller.
  if (cause === undefined || cause instanceof GraphQLError) {
    const { stacktrace: _never, ...extensions } = error.extensions;
    return { message, ...place, extensions: { code: "GRAPHQL_VALIDATION_FAILED", ...extensions } };
  }
  return { ...internalError(cause, requestId, logger), ...place };
}

/** What the caller may see of a failure; undefined when it is internal. An outage of the database is logged. */
export function callerErrorOf(error: unknown, requestId: string, logger: ErrorLog): CallerError | undefined {
  const failure = isDatabaseOutage(error)
    ? new ServiceUnavailable({ retryAfter: outageRetryAfter, cause: error })
    : error;
  if (!(failure instanceof CallerError)) return undefined;
  // Without a stack: in an outage there is a line for every request, and each says the same.
  if (failure instanceof ServiceUnavailable && failure.cause !== undefined) {
    const cause = { ...describeError(failure.cause), stack: undefined };
    logger.warn({ requestId, cause }, "the database is out");
  }
  return failure;
}

/** Nothing of the cause reaches the caller; the log has it under the id that the caller is given. */
export function internalError(cause: unknown, requestId: string, logger: ErrorLog): GraphQLFormattedError {
  logger.error({ requestId, err: cause }, "unforeseen failure");
  return {
    message: `Something went wrong on our side. Quote request id ${requestId} when you report it.`,
    extensions: { code: "INTERNAL_SERVER_ERROR", requestId },
  };
}
