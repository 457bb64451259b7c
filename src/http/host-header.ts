import type { FastifyReply, FastifyRequest } from "fastify";

/** Thrown at what is no proper request; answered with 400 and the message. */
class MalformedRequest extends Error {
  readonly statusCode = 400;
}

/** The one that came last and was fine: almost all requests name the same. */
let knownHost: string | undefined;

/** HTTP/1.1 demands the header (RFC 9112, 3.2), HTTP/1.0 knows none. @throws MalformedRequest */
export function requireHost(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const { raw, headers } = request;
  // Trusted proxies let these pass as a client made them up; the first is used by nothing of ours.
  if (headers["x-forwarded-host"] !== undefined) delete headers["x-forwarded-host"];
  if (headers["x-forwarded-proto"] !== undefined && !["http", "https"].includes(request.protocol))
    delete headers["x-forwarded-proto"];
  // What comes after this makes addresses of it.
  if (raw.httpVersion === "1.0") headers.host ??= "localhost";
  if (headers.host === undefined || (headers.host !== knownHost && !URL.canParse(`http://${headers.host}`)))
    throw new MalformedRequest(
      "A request needs the header Host, with a name or an address and perhaps a port.",
    );
  knownHost = headers.host;
  done();
}
