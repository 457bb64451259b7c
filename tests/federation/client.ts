import type { GraphqlAnswer } from "../support/gateway.ts";

/** As one more proxy passes them on, which has appended to what the client made up. */
const clientHeaders = {
  "content-type": "application/json",
  "user-agent": "Client/1.0",
  "x-forwarded-for": "6.6.6.6, 203.0.113.7",
};

/** Sends an operation to a federation gateway. */
export async function askGateway(
  url: string,
  query: string,
  variables?: object,
  authorization?: string,
): Promise<GraphqlAnswer> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { ...clientHeaders, ...(authorization && { authorization }) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: answer.status, ...((await answer.json()) as Omit<GraphqlAnswer, "status">) };
}
