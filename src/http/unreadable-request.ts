import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { doorLimits } from "./door-limits.ts";
import { STATUS_CODES } from "./node-http.ts";

/** What the parser of HTTP gave up on, by its error code. */
const refusals: Record<string, [status: number, message: string]> = {
  HPE_HEADER_OVERFLOW: [431, `The headers are larger than ${doorLimits.headers.toLocaleString("en")} bytes.`],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "The chunk extensions are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request did not arrive in time."],
};

/** For the event `clientError`: what is no HTTP is answered in the shape of a GraphQL answer, and the connection closed. */
export function answerUnreadable(error: Error & { code?: string }, socket: Duplex): void {
  const [status, message] = refusals[error.code ?? ""] ?? [400, "This is not a request of HTTP/1.1."];
  // An answer that is under way would be torn apart by a second one.
  const answering = (socket as { _httpMessage?: { headersSent: boolean } })._httpMessage?.headersSent;
  if (socket.writable && !answering) socket.write(rawAnswer(status, "BAD_REQUEST", message));
  socket.destroy();
}

/** For the event `checkExpectation`. What was asked before on the connection is answered before. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { headers, body } = refusal("BAD_REQUEST", "No expectation but 100-continue can be met.");
  response.writeHead(417, headers).end(body);
}

/** An answer as text, for where there is no request to answer. */
export function rawAnswer(status: number, code: string, message: string, retryAfter?: number): string {
  const { headers, body } = refusal(code, message, retryAfter);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", body].join("\r\n");
}

function refusal(code: string, message: string, retryAfter?: number) {
  const extensions = { code, ...(retryAfter !== undefined && { retryAfter }) };
  const body = JSON.stringify({ errors: [{ message, extensions }] });
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close",
  };
  return { headers, body };
}
