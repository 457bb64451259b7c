import { ApolloServer, HeaderMap } from "@apollo/server";
import type { ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import { InMemoryLRUCache } from "@apollo/utils.keyvaluecache";
import { GraphQLError, OperationTypeNode } from "graphql";
import type { DocumentNode, FormattedExecutionResult } from "graphql";
import { randomUUID } from "node:crypto";
import { createAnswerer, httpOf, statusOf } from "./answers.ts";
import type { AnswerOptions } from "./answers.ts";
import type { Context } from "./context.ts";
import { documentLimits, limitError } from "./document-limits.ts";
import { internalError } from "./error-format.ts";
import { KnownQueries } from "./known-queries.ts";
import type { KnownQuery } from "./known-queries.ts";

/** As the door takes it, in bytes. */
const maxBodyLength = 100_000;

/** The parser's words ("more that" among them) for what has no code of its own. */
const tooManyTokens = /^Syntax Error: Document contains more tha[nt] \d+ tokens/;

/** GraphQL behind the door: Apollo for all requests, and a shorter way for queries that it has passed before. */
export interface GraphqlEngine {
  apollo: ApolloServer<Context>;
  knownQueries: KnownQueries;
  /** The same answer as by way of Apollo. */
  answerKnown: (query: KnownQuery, context: Context) => Promise<FormattedExecutionResult>;
}

/** Apollo reads requests, parses and caches documents and guards against CSRF; validation and execution are ours. */
export function createGraphql(options: AnswerOptions): GraphqlEngine {
  const { schema, introspection, logger } = options;
  const answer = createAnswerer(options);
  const knownQueries = new KnownQueries();
  const apollo = new ApolloServer<Context>({
    schema,
    introspection,
    // A browser sends none of these across sites without asking first. Authorization is one of them, because clients
    // that read by GET (urql) send it.
    csrfPrevention: {
      requestHeaders: ["authorization", "apollo-require-preflight", "x-apollo-operation-name"],
    },
    persistedQueries: false,
    parseOptions: { maxTokens: documentLimits.tokens },
    // A parsed document takes about 50 times its text: every token of it, comments too, is kept for error locations.
    documentStore: new InMemoryLRUCache<DocumentNode>({
      maxSize: 30 * 2 ** 20,
      sizeCalculation: ({ loc }) => 50 * (loc?.source.body.length ?? maxBodyLength),
    }),
    dangerouslyDisableValidation: true,
    logger,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // Apollo traces subgraphs for whoever sends a header that asks for it.
      ApolloServerPluginInlineTraceDisabled(),
      operations(answer, knownQueries),
    ],
    formatError(formatted, error) {
      if (tooManyTokens.test(formatted.message)) return limitError("tokens").toJSON();
      const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error;
      return formatted.extensions?.["code"] === "INTERNAL_SERVER_ERROR"
        ? internalError(cause, randomUUID(), logger)
        : formatted;
    },
  });
  return { apollo, knownQueries, answerKnown: (query, context) => answer({ ...query, context }) as never };
}

/** Validates and executes every operation in place of Apollo. */
function operations(
  answer: ReturnType<typeof createAnswerer>,
  knownQueries: KnownQueries,
): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        // Apollo has the words for an operation that was not named or is not there.
        async responseForOperation({ document, operation, request, contextValue: context }) {
          const singleResult = await answer({
            document,
            operation,
            context,
            variables: request.variables ?? {},
          });
          if (singleResult === null) return null;
          const { query, operationName } = request;
          if (operation?.operation === OperationTypeNode.QUERY && query && singleResult.data !== undefined)
            knownQueries.remember(query, operationName, document, operation);
          const status = statusOf(singleResult);
          const http = { headers: new HeaderMap(), ...(status !== undefined && { status }) };
          return { http, body: { kind: "single", singleResult } };
        },
        async willSendResponse({ request, response: { http, body } }) {
          if (body.kind !== "single") return;
          const { status, headers } = httpOf(body.singleResult, request.http?.headers.get("accept"));
          if (status !== undefined) http.status = status;
          for (const [name, value] of Object.entries(headers)) http.headers.set(name, value);
        },
      };
    },
  };
}
