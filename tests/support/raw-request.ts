import { request } from "node:http";
import type { GraphqlAnswer } from "./gateway.ts";

/** Posts to /graphql with header bytes that fetch refuses to send: text goes out as UTF-8. */
export function rawRequest(
  url: string,
  { body, authorization }: { body: unknown; authorization?: string },
): Promise<GraphqlAnswer> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (authorization !== undefined)
    headers["authorization"] = Buffer.from(authorization, "utf8").toString("latin1");
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/graphql`, { method: "POST", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode, ...JSON.parse(text) }));
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}
