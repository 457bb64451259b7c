import { ApolloServer, HeaderMap } from "@apollo/server";
import type { ApolloServerPlugin, GraphQLResponse } from "@apollo/server";
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import { GraphQLError, OperationTypeNode } from "graphql";
import type {
  FormattedExecutionResult,
  GraphQLFormattedError,
  GraphQLSchema,
  OperationDefinitionNode,
} from "graphql";
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Context } from "./context.ts";
import { tooManyCredentialOperations } from "./credential-operations.ts";
import { DocumentCache, documentBytes } from "./document-cache.ts";
import { documentLimits, limitError } from "./document-limits.ts";
import { createErrorFormatter, internalError } from "./error-format.ts";
import { createExecutor } from "./executor.ts";
import type { Operation } from "./executor.ts";
import type { HashRefusals } from "./hash-refusals.ts";
import type { KnownQueries } from "./known-queries.ts";
import { compilePlainQuery } from "./plain-query.ts";
import { longestRetryAfter } from "./retry-after.ts";
import { createValidator } from "./validation.ts";
import type { Validate } from "./validation.ts";

export interface ApolloOptions {
  schema: GraphQLSchema;
  introspection: boolean;
  maxCredentialOperations: number;
  /** Learns what it can of the queries that are answered. */
  knownQueries: KnownQueries;
  /** Learns what it can of the mutations that hash. */
  hashRefusals: HashRefusals;
  logger: Logger;
}

/**
 * The media type whose readers expect a 4xx for a refused request. Readers of application/json may take any 4xx for the
 * word of a proxy and leave the body unread, so for them the status stays 200 (GraphQL over HTTP, "Status Codes").
 */
const graphqlResponse = "application/graphql-response+json";

/** The parser's words ("more that" among them) for what has no code of its own. */
const tooManyTokens = /^Syntax Error: Document contains more tha[nt] \d+ tokens/;

/** How Apollo's message of its CSRF prevention begins. */
const blockedAsForgery = "This operation has been blocked as a potential Cross-Site Request Forgery";

const csrfAdvice =
  `${blockedAsForgery} (CSRF). Send it by POST with \`content-type: application/json\`, or a query by GET with the ` +
  "header `Apollo-Require-Preflight: true` or `Authorization`.";

/** Apollo reads requests, parses and caches documents and guards against CSRF; validation and execution are ours. */
export function createApollo(options: ApolloOptions): ApolloServer<Context> {
  const { schema, introspection, logger } = options;
  const validate = createValidator(schema, { introspection });
  return new ApolloServer<Context>({
    schema,
    introspection,
    // A browser sends none of these across sites without asking first. Authorization is one of them, because clients
    // that read by GET (urql) send it.
    csrfPrevention: {
      requestHeaders: ["authorization", "apollo-require-preflight", "x-apollo-operation-name"],
    },
    persistedQueries: false,
    parseOptions: { maxTokens: documentLimits.tokens },
    documentStore: new DocumentCache((document) => validate(document).length === 0),
    dangerouslyDisableValidation: true,
    logger,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // Apollo traces subgraphs for whoever sends a header that asks for it.
      ApolloServerPluginInlineTraceDisabled(),
      operations(options, validate),
    ],
    formatError(formatted, error) {
      if (tooManyTokens.test(formatted.message)) return limitError("tokens").toJSON();
      if (formatted.message.startsWith(blockedAsForgery)) return { ...formatted, message: csrfAdvice };
      const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
      return formatted.extensions?.["code"] === "INTERNAL_SERVER_ERROR"
        ? internalError(cause, randomUUID(), logger)
        : formatted;
    },
  });
}

/** Validates and executes every operation in place of Apollo, so that mutations can report every fault at once. */
function operations(
  { schema, maxCredentialOperations, knownQueries, hashRefusals, logger }: ApolloOptions,
  validate: Validate,
): ApolloServerPlugin<Context> {
  const executeOperation = createExecutor(schema);
  const formatErrors = createErrorFormatter(logger);

  const answer = async (valid: Operation): Promise<FormattedExecutionResult> => {
    const { requestId } = valid.context;
    try {
      const { errors, ...result } = await executeOperation(valid);
      return { ...result, ...(errors && { errors: formatErrors(errors, requestId) }) };
    } catch (error) {
      return { errors: [internalError(error, requestId, logger)] };
    }
  };

  return {
    async requestDidStart() {
      return {
        async responseForOperation({ document, operation, request, contextValue: context }) {
          const { requestId } = context;
          try {
            const invalid = validate(document);
            if (invalid.length > 0) return refusal(formatErrors(invalid, requestId));
            // Apollo has the words for an operation that was not named or is not there.
            if (operation === undefined) return null;
            const variables = request.variables ?? {};
            const beyond = tooManyCredentialOperations(
              schema,
              { document, operation, variables },
              maxCredentialOperations,
            );
            if (beyond) return refusal(formatErrors([beyond], requestId));
            const refused = hashRefusals.refuse(request, schema, operation, context.client.ip);
            if (refused) return response(refused);
            if (isQueryAlone(operation))
              knownQueries.learn(request.http?.body, documentBytes(document), {
                run: (asking) => answer({ document, operation, variables: {}, context: asking }),
                bodyOf: compilePlainQuery(schema, operation),
              });
            return response(await answer({ document, operation, context, variables }));
          } catch (error) {
            return response({ errors: [internalError(error, requestId, logger)] });
          }
        },
        async willSendResponse({ request, response: { http, body } }) {
          if (body.kind !== "single") return;
          const retryAfter = longestRetryAfter(body.singleResult.errors);
          if (retryAfter !== undefined) http.headers.set("retry-after", String(retryAfter));
          if (!isRefusal(body.singleResult)) return;
          const acceptsRefusals = request.http?.headers
            .get("accept")
            ?.toLowerCase()
            .includes(graphqlResponse);
          http.status = acceptsRefusals ? 400 : 200;
          if (acceptsRefusals) http.headers.set("content-type", `${graphqlResponse}; charset=utf-8`);
        },
      };
    },
  };
}

/** Whether it is the same whatever variables come with it. */
function isQueryAlone({ operation, variableDefinitions = [] }: OperationDefinitionNode): boolean {
  return operation === OperationTypeNode.QUERY && variableDefinitions.length === 0;
}

/** Beyond a limit there is no honest client who would not read the body of a 400. */
function refusal(errors: GraphQLFormattedError[]): GraphQLResponse {
  const { http, body } = response({ errors });
  const isBeyondLimit = errors[0]?.extensions?.["code"] === "BAD_REQUEST";
  return { http: { ...http, ...(isBeyondLimit && { status: 400 }) }, body };
}

function response(singleResult: FormattedExecutionResult): GraphQLResponse {
  return { http: { headers: new HeaderMap() }, body: { kind: "single", singleResult } };
}

/** Whether GraphQL turned a well-formed request down before it ran: syntax, validation, operation name, variables. */
function isRefusal({ data, errors }: FormattedExecutionResult): boolean {
  const code = errors?.[0]?.extensions?.["code"];
  return data === undefined && code !== "BAD_REQUEST" && code !== "INTERNAL_SERVER_ERROR";
}
