import type { DocumentNode, OperationDefinitionNode } from "graphql";
import { LRUCache } from "lru-cache";

/** Characters of all documents; each is parsed, too, which takes about 50 times its text. */
const mostText = 300_000;

/** Those of common clients, and what Apollo negotiates for them. Who sends another goes by way of Apollo. */
const mediaTypes = new Map<string | undefined, string>([
  [undefined, "application/json; charset=utf-8"],
  ["*/*", "application/json; charset=utf-8"],
  ["application/json", "application/json; charset=utf-8"],
  ["application/json, text/plain, */*", "application/json; charset=utf-8"],
  ["application/graphql-response+json", "application/graphql-response+json; charset=utf-8"],
  ["application/graphql-response+json, application/json", "application/graphql-response+json; charset=utf-8"],
  [
    "application/graphql-response+json,application/json;q=0.9",
    "application/graphql-response+json; charset=utf-8",
  ],
  [
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
    "application/graphql-response+json; charset=utf-8",
  ],
]);

const contentTypes = new Set<unknown>(["application/json", "application/json; charset=utf-8"]);

/** A query that has been parsed and validated, as it is asked again. */
export interface KnownQuery {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
  /** The media type that the answer is to have. */
  mediaType: string;
}

interface KnownDocument {
  document: DocumentNode;
  /** By the name that was asked for. */
  operations: Map<string | undefined, OperationDefinitionNode>;
}

/** Queries that Apollo has found nothing wrong with: sent again in the plainest form of POST, they need it no more. */
export class KnownQueries {
  private readonly documents = new LRUCache<string, KnownDocument>({
    maxSize: mostText,
    sizeCalculation: (_known, text) => text.length + 1,
  });

  remember(
    text: string,
    name: string | undefined,
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ): void {
    let known = this.documents.peek(text);
    if (known?.document !== document) this.documents.set(text, (known = { document, operations: new Map() }));
    known.operations.set(name, operation);
  }

  /** @param body as JSON was parsed. @returns undefined for whatever Apollo is to see */
  find(body: unknown, contentType: string | undefined, accept: string | undefined): KnownQuery | undefined {
    const { query, operationName, variables, extensions } = Object(body) as Record<string, unknown>;
    if (typeof query !== "string" || extensions !== undefined || !contentTypes.has(contentType))
      return undefined;
    const known = this.documents.get(query);
    const operation = known?.operations.get((operationName ?? undefined) as string | undefined);
    const mediaType = mediaTypes.get(accept);
    if (known === undefined || operation === undefined || mediaType === undefined) return undefined;
    if (variables != null && (typeof variables !== "object" || Array.isArray(variables))) return undefined;
    return { document: known.document, operation, variables: { ...variables }, mediaType };
  }
}
