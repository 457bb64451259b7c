import autocannon from "autocannon";
import type { Child } from "./child.ts";
import type { Run } from "./sample.ts";

export interface HttpRequest {
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface GraphqlRequest {
  query: string;
  variables?: object;
  token?: string;
}

/** A request as a client sends it; the token in the way that both ours and any other server reads. */
export function graphqlRequest({ token, ...body }: GraphqlRequest, path = "/graphql"): HttpRequest {
  const headers = {
    "content-type": "application/json",
    ...(token && { authorization: `Bearer ${token}` }),
  };
  return { method: "POST", path, headers, body: JSON.stringify(body) };
}

/** A server, what it is sent over and over, and how a right answer begins. */
export interface Load {
  server: { url: string; child: Child };
  requests: HttpRequest[];
  expectedStart: string;
  /** Each sends its share of the requests, one after the other; one request each unless told otherwise. */
  connections?: number;
}

/** Keeps all connections busy until `amount` requests are answered. */
export async function load(
  { server, requests, expectedStart, connections = requests.length }: Load,
  amount: number,
): Promise<Run> {
  const latencies: number[] = [];
  let connection = 0;
  const start = performance.now();
  let end = start;
  const cannon = autocannon({
    url: new URL(server.url).origin,
    connections,
    // Not a duration: requests that are cut off at its end would go on into the next one's measurement.
    amount,
    bailout: 100,
    sampleInt: 50,
    setupClient(client) {
      const mine = connection++;
      client.setRequests(requests.filter((_, index) => index % connections === mine));
    },
    // A GraphQL error has status 200 too.
    verifyBody: (text) => text.startsWith(expectedStart) && !text.includes('"errors"'),
  });
  cannon.on("response", (_client, _status, _bytes, milliseconds: number) => {
    latencies.push(milliseconds);
    end = performance.now();
  });
  const { errors, non2xx, mismatches } = await Promise.race([cannon, server.child.ended]);
  const unanswered = Math.max(0, amount - latencies.length);
  return {
    latencies,
    seconds: (end - start) / 1000,
    // An error is an answer that is missing, too.
    failures: Math.max(unanswered, errors) + non2xx + mismatches,
  };
}
