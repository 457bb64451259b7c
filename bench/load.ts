import autocannon from "autocannon";
import type { Child } from "./child.ts";
import type { Run } from "./sample.ts";

/** What one connection sends, over and over. */
export interface GraphqlRequest {
  query: string;
  variables?: object;
  token?: string;
}

/** Sends requests to a GraphQL server, as many at once as `requests` has entries, until `amount` are answered. */
export async function load(
  server: { url: string; child: Child },
  requests: GraphqlRequest[],
  expectedStart: string,
  amount: number,
): Promise<Run> {
  const latencies: number[] = [];
  let connection = 0;
  const start = performance.now();
  let end = start;
  const cannon = autocannon({
    url: server.url,
    connections: requests.length,
    // Not a duration: requests that are cut off at its end would go on into the next one's measurement.
    amount,
    bailout: 1,
    sampleInt: 50,
    method: "POST",
    setupClient(client) {
      const { token, ...body } = requests[connection++] ?? { query: "" };
      const headers = {
        "content-type": "application/json",
        ...(token && { authorization: `Token ${token}` }),
      };
      client.setHeadersAndBody(headers, JSON.stringify(body));
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
    failures: Math.max(unanswered, errors + non2xx + mismatches),
  };
}
