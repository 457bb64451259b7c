import { isUtf8 } from "node:buffer";
import type { FastifyBodyParser, FastifyInstance, FastifyRequest } from "fastify";

/** A request that is refused before its content is read; the status and message are for the caller. */
class UnreadableContent extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** A parameter of a content type: `charset=utf-8`, `charset="utf-8"`. */
const charsets = /;\s*charset\s*=\s*"?([^\s;"]*)/gi;

/**
 * Gives JSON bodies to a parser as text. The bytes must be UTF-8 (RFC 8259, 8.1): decoding anything else replaces what it
 * cannot read by U+FFFD, and different names and passwords become the same.
 */
export function parseJsonBodies(server: FastifyInstance, parse: FastifyBodyParser<string>): void {
  server.removeContentTypeParser("application/json");
  server.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, bytes, done) => {
    const fault = encodingFault(request, bytes);
    if (fault) done(fault);
    else void parse(request, bytes.toString("utf8"), done);
  });
}

/** Refuses a query string that is not percent-encoded UTF-8, which `URLSearchParams` would mend with U+FFFD. */
export function refuseUnreadableQuery(url: string): void {
  const start = url.indexOf("?");
  if (start !== -1 && !canBeDecoded(url.slice(start)))
    throw new UnreadableContent(400, "The query string is not percent-encoded UTF-8.");
}

function encodingFault({ headers }: FastifyRequest, bytes: Buffer): UnreadableContent | undefined {
  const { "content-type": type = "", "content-encoding": coding = "identity" } = headers;
  if (coding.toLowerCase() !== "identity")
    return new UnreadableContent(415, "Send the body without a content encoding.");
  for (const [, charset = ""] of type.matchAll(charsets))
    if (!/^utf-?8$/i.test(charset)) return new UnreadableContent(415, "Send the body in the charset utf-8.");
  return isUtf8(bytes) ? undefined : new UnreadableContent(400, "The body is not valid UTF-8.");
}

function canBeDecoded(text: string): boolean {
  try {
    // The result is used, as the bundler leaves out a call whose result is not.
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}
