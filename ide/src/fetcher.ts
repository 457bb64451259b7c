import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { parse } from "graphql";

const PLACEHOLDER = /\{\{(token|refreshToken)\}\}/g;

// In memory and nowhere else: a reload of the page forgets them.
const latestTokens = new Map<string, string>();

const send = createGraphiQLFetcher({ url: "/graphql", enableIncrementalDelivery: false });

/** Sends an operation with the latest tokens put where variables and headers say {{token}} or {{refreshToken}}. */
export const fetcher: Fetcher = async ({ query, operationName, variables }, options) => {
  const operation = {
    query,
    operationName: nameWithin(query, operationName),
    variables: withTokens(variables),
  };
  const headers = withoutPlaceholders(withTokens(options?.headers ?? {}));
  const answer = await send(operation, { ...options, headers });
  if ("data" in answer) rememberTokens(answer.data);
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

function withTokens<Value>(value: Value): Value {
  if (value === undefined) return value;
  return JSON.parse(JSON.stringify(value), (_key, part) =>
    typeof part === "string"
      ? part.replace(PLACEHOLDER, (placeholder, name) => latestTokens.get(name) ?? placeholder)
      : part,
  );
}

/** Before the first sign-in there is no token: then the header is left out, as a new client would. */
function withoutPlaceholders(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).filter(([, value]) => String(value).search(PLACEHOLDER) < 0),
  );
}

function rememberTokens(data: unknown): void {
  for (const payload of Object.values(data ?? {})) {
    for (const name of ["token", "refreshToken"]) {
      const token = payload?.[name];
      if (typeof token === "string") latestTokens.set(name, token);
    }
  }
}
