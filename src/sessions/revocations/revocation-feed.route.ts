import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clientAddress } from "../../http/client-address.ts";
import { answerPublicDocument } from "../../http/public-document.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

/** Seconds. */
const retryAfter = 5;

/** `/.well-known/revoked-sessions`: the signed list, or a stream of it for who accepts `text/event-stream`. */
export function revocationFeedRoutes(feed: RevocationFeed) {
  return (server: FastifyInstance): void => {
    // A stream would hold the stop up.
    server.addHook("preClose", async () => feed.streams.end());
    server.get("/.well-known/revoked-sessions", (request, reply) => {
      reply.header("vary", "accept");
      const list = feed.list();
      if (list === undefined) return unavailable(reply, "the revoked sessions cannot be read");
      if (request.method === "GET" && accepts(request, "text/event-stream"))
        return stream(feed, list.jwt, clientAddress(request), reply);
      const document = { type: "application/jwt", body: list.jwt, etag: list.etag, cacheControl: "no-cache" };
      return answerPublicDocument(request, reply, document);
    });
  };
}

function stream(feed: RevocationFeed, jwt: string, address: string, reply: FastifyReply): FastifyReply {
  const events = feed.streams.open(address, "snapshot", jwt);
  if (events === undefined) return unavailable(reply, "too many streams are open");
  return reply
    .type("text/event-stream")
    .headers({
      "cache-control": "no-cache",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      // The connection is of no further use afterwards, and a stop need not wait for it.
      connection: "close",
      // nginx would hold events back.
      "x-accel-buffering": "no",
    })
    .send(events);
}

function unavailable(reply: FastifyReply, reason: string): FastifyReply {
  return reply
    .code(503)
    .headers({ "retry-after": retryAfter, "access-control-allow-origin": "*" })
    .send({ status: "unavailable", reason });
}

function accepts({ headers }: FastifyRequest, type: string): boolean {
  return headers.accept?.toLowerCase().includes(type) ?? false;
}
