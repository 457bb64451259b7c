import { request } from "node:http";
import type { Agent } from "node:http";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Answer = { data: any; errors?: any[] };

/** Asks on a connection of its own, so that requests are spread over the processes that listen. */
export function askApart(url: string, query: string, authorization?: string): Promise<Answer> {
  return ask(url, query, authorization, false);
}

/** @param agent false for a connection of its own */
export function ask(
  url: string,
  query: string,
  authorization: string | undefined,
  agent: Agent | false,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
    const asked = request(`${url}/graphql`, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text += part));
      answer.on("error", reject);
      answer.on("end", () => resolve(JSON.parse(text) as Answer));
    });
    asked.on("error", reject);
    asked.end(JSON.stringify({ query }));
  });
}
