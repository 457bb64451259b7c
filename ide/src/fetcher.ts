import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { parse } from "graphql";
import { keepValuesOf, latestValue } from "./latest-values.ts";

const PLACEHOLDER = /\{\{(token|refreshToken|sessionId)\}\}/g;

const send = createGraphiQLFetcher({ url: "graphql", enableIncrementalDelivery: false });

/** Sends an operation with the latest values put where variables and headers say {{token}}, {{refreshToken}} or {{sessionId}}. */
export const fetcher: Fetcher = async ({ query, operationName, variables }, options) => {
  const operation = {
    query,
    operationName: nameWithin(query, operationName),
    variables: withLatest(variables),
  };
  const headers = withoutPlaceholders(withLatest(options?.headers ?? {}));
  const answer = await send(operation, { ...options, headers });
  if ("data" in answer) keepValuesOf(answer.data);
  return answer;
};

/** For a moment after a change of tabs GraphiQL still gives the name of the operation in the tab before. */
function nameWithin(query: string, name: string | null | undefined): string | null {
  if (!name) return null;
  try {
    const { definitions } = parse(query, { noLocation: true });
    return definitions.some((definition) => "name" in definition && definition.name?.value === name)
      ? name
      : null;
  } catch {
    // The server explains what is wrong with the query.
    return name;
  }
}

function withLatest<Value>(value: Value): Value {
  if (value === undefined) return value;
  return JSON.parse(JSON.stringify(value), (_key, part) =>
    typeof part === "string"
      ? part.replace(PLACEHOLDER, (placeholder, name) => latestValue(name) ?? placeholder)
      : part,
  );
}

/** Before the first sign-in there is no token: then the header is left out, as a new client would. */
function withoutPlaceholders(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).filter(([, value]) => String(value).search(PLACEHOLDER) < 0),
  );
}
