import { GraphQLError, visit } from "graphql";
import type { DocumentNode, GraphQLSchema } from "graphql";
import { measureOperations } from "./operation-extent.ts";

/** What a document may have at most; each figure is far beyond what honest clients send. */
export const documentLimits = {
  /** Parsing and validation stay within milliseconds; the standard introspection query has 191. */
  tokens: 1_000,
  /** Where a field fails, its line is counted from the first one; no more than a token stands in each. */
  lines: 1_000,
  /** Fields and fragments. Validation compares them in pairs; the standard introspection query has 123. */
  selections: 250,
  /** Each has something checked or decided; nobody hides every field behind one. */
  directives: 30,
  /** The standard introspection query goes so deep, ours go to 7. */
  depth: 15,
  /** Each is an operation of its own; federation gateways put a few requests into one. */
  rootFields: 20,
  /** The only way to have the same field answered twice. */
  aliases: 30,
  /** Values in the answer, those of a page times its size: an answer stays within a few megabytes. */
  complexity: 5_000,
} as const;

export type DocumentLimit = keyof typeof documentLimits;

const names: Record<DocumentLimit, string> = {
  tokens: "token",
  lines: "line",
  selections: "selection",
  directives: "directive",
  depth: "depth",
  rootFields: "root field",
  aliases: "alias",
  complexity: "complexity",
};

/** The refusal of a document that is too large, if it is; of tokens the parser has the count. */
export function documentTooLarge(schema: GraphQLSchema, document: DocumentNode): GraphQLError | undefined {
  const lines = 1 + (document.loc?.source.body.match(/\r\n|[\n\r]/g)?.length ?? 0);
  const counts = { lines, selections: 0, directives: 0 };
  const select = () => void counts.selections++;
  visit(document, {
    Field: select,
    FragmentSpread: select,
    InlineFragment: select,
    Directive: () => void counts.directives++,
  });
  const beyond = firstBeyond(counts) ?? measureOperations(schema, document).map(firstBeyond).find(Boolean);
  return beyond && limitError(beyond);
}

export function limitError(limit: DocumentLimit): GraphQLError {
  const most = documentLimits[limit].toLocaleString("en");
  return new GraphQLError(`The document exceeds the ${names[limit]} limit of ${most}.`, {
    extensions: { code: "BAD_REQUEST" },
  });
}

function firstBeyond(counts: Partial<Record<DocumentLimit, number>>): DocumentLimit | undefined {
  return (Object.keys(counts) as DocumentLimit[]).find(
    (limit) => (counts[limit] ?? 0) > documentLimits[limit],
  );
}
