import type { FastifyReply, FastifyRequest } from "fastify";

/** What a request may leave out. Many tools send it empty instead. */
const optionalFields = ["operationName", "variables", "extensions"] as const;

/** The same body without optional fields that are an empty text. */
export function withoutEmptyFields(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const fields = body as Record<string, unknown>;
  for (const name of optionalFields) if (fields[name] === "") delete fields[name];
  return body;
}

/** The request as Apollo reads it: HEAD as GET, and without optional parameters that are empty. */
export function asApolloReads(request: FastifyRequest): FastifyRequest {
  if (request.method === "POST") return request;
  const [path, search] = request.url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(search);
  for (const name of optionalFields) {
    if (parameters.get(name) === "") parameters.delete(name, "");
    if (name !== "operationName") parameters.delete(name, "null");
  }
  return Object.create(request, {
    method: { value: "GET" },
    url: { value: `${path}?${parameters}` },
  }) as FastifyRequest;
}

/**
 * Answers what is sent to the path of the API but is no operation: a WebSocket, a browser, a request without an
 * operation. Undefined for everything else.
 * @param ide whether there is a page to explore the API with
 */
export function answerVisitor(
  { method, headers, url }: FastifyRequest,
  reply: FastifyReply,
  ide: boolean,
): FastifyReply | undefined {
  if (headers.upgrade?.toLowerCase().includes("websocket"))
    return reply
      .header("connection", "close")
      .code(400)
      .send(refusal("The API has no subscriptions and no WebSocket. Send operations by POST."));
  if (method !== "GET" && method !== "HEAD") return undefined;
  const [path = "", search = ""] = url.split("?");
  if (ide && headers.accept?.toLowerCase().includes("text/html"))
    // Relative, because a proxy may have the gateway below a path of its own.
    return reply
      .header("vary", "accept")
      .code(303)
      .header("location", path.endsWith("/") ? "../" : "./")
      .send();
  if (search !== "") return undefined;
  const message =
    "This is the GraphQL API. Send operations by POST, with `content-type: application/json` and a body such as " +
    '{"query":"{ __typename }"}.';
  return reply.code(400).send(refusal(message));
}

function refusal(message: string) {
  return { errors: [{ message, extensions: { code: "BAD_REQUEST" } }] };
}
