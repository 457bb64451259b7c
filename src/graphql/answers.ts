import type { DocumentNode, FormattedExecutionResult, GraphQLSchema, OperationDefinitionNode } from "graphql";
import type { Logger } from "pino";
import type { Context } from "./context.ts";
import { tooManyCredentialOperations } from "./credential-operations.ts";
import { createErrorFormatter, internalError } from "./error-format.ts";
import { createExecutor } from "./executor.ts";
import { longestRetryAfter } from "./retry-after.ts";
import { createValidator } from "./validation.ts";

export interface AnswerOptions {
  schema: GraphQLSchema;
  introspection: boolean;
  maxCredentialOperations: number;
  logger: Logger;
}

/** A document that was parsed, and what of it is to run; no operation where the name that was asked for is not there. */
interface Question {
  document: DocumentNode;
  operation: OperationDefinitionNode | undefined;
  variables: Readonly<Record<string, unknown>>;
  context: Context;
}

/**
 * The media type whose readers expect a 4xx for a refused request. Readers of application/json may take any 4xx for the
 * word of a proxy and leave the body unread, so for them the status stays 200 (GraphQL over HTTP, "Status Codes").
 */
const graphqlResponse = "application/graphql-response+json";

/** Validates and executes operations, so that mutations can report every fault at once; null where there is none to run. */
export function createAnswerer({ schema, introspection, maxCredentialOperations, logger }: AnswerOptions) {
  const validate = createValidator(schema, { introspection });
  const execute = createExecutor(schema);
  const formatErrors = createErrorFormatter(logger);

  return async ({
    document,
    operation,
    variables,
    context,
  }: Question): Promise<FormattedExecutionResult | null> => {
    const { requestId } = context;
    try {
      const invalid = validate(document);
      if (invalid.length > 0) return { errors: formatErrors(invalid, requestId) };
      if (operation === undefined) return null;
      const beyond = tooManyCredentialOperations(
        schema,
        { document, operation, variables },
        maxCredentialOperations,
      );
      if (beyond) return { errors: formatErrors([beyond], requestId) };
      const { errors, ...result } = await execute({ document, operation, context, variables });
      return errors ? { ...result, errors: formatErrors(errors, requestId) } : result;
    } catch (error) {
      return { errors: [internalError(error, requestId, logger)] };
    }
  };
}

/** What a failure adds to HTTP. A request that was well-formed, but turned down before it ran, is a refusal. @param accept the header of that name */
export function httpOf(
  { data, errors }: FormattedExecutionResult,
  accept: string | undefined,
): { status?: number; headers: Record<string, string> } {
  if (errors === undefined) return { headers: {} };
  const retryAfter = longestRetryAfter(errors);
  const headers: Record<string, string> = {};
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
  const code = errors[0]?.extensions?.["code"];
  if (data !== undefined || code === "BAD_REQUEST" || code === "INTERNAL_SERVER_ERROR") return { headers };
  if (!accept?.toLowerCase().includes(graphqlResponse)) return { status: 200, headers };
  headers["content-type"] = `${graphqlResponse}; charset=utf-8`;
  return { status: 400, headers };
}

/** Beyond a limit there is no honest client who would not read the body of a 400. */
export function statusOf({ data, errors }: FormattedExecutionResult): number | undefined {
  return data === undefined && errors?.[0]?.extensions?.["code"] === "BAD_REQUEST" ? 400 : undefined;
}
