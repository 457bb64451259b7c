import type { GraphQLFormattedError } from "graphql";

/** Whole seconds for the header `Retry-After` (RFC 9110, 10.2.3): the longest wait that one of the errors asks for. */
export function longestRetryAfter(errors: readonly GraphQLFormattedError[] = []): number | undefined {
  const waits = errors
    .map(({ extensions }) => extensions?.["retryAfter"])
    .filter((wait) => typeof wait === "number");
  return waits.length === 0 ? undefined : Math.max(...waits);
}
