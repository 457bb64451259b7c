import { once } from "node:events";
import http from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import https from "node:https";

// A list of 780,000 revoked sessions.
export const largestAnswer = 16 * 1024 * 1024;

/** Asks by GET and gives the answer as soon as its headers are there. Not `fetch`: its sockets keep a process alive. */
export async function ask(
  url: string,
  headers: OutgoingHttpHeaders,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { get } = url.startsWith("https:") ? https : http;
  const request = get(url, { headers, signal, agent: false });
  request.once("socket", (socket) => {
    socket.unref();
    // Trying the next address of a host makes another handle.
    socket.once("connect", () => socket.unref());
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  // What goes wrong from here on, the reader of the answer is told as well.
  request.on("error", () => {});
  return response;
}

/** The whole answer as text. @throws Error where it is larger than 16 MiB */
export async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > largestAnswer) throw new Error("The answer is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws Error for any status but 200, or another media type than the one asked for */
export function expectAnswer(response: IncomingMessage, mediaType?: string): void {
  const { statusCode, headers } = response;
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (statusCode === 200 && (mediaType === undefined || type === mediaType)) return;
  response.destroy();
  throw new Error(`The gateway answered ${statusCode} ${type ?? "without a content type"}.`);
}
