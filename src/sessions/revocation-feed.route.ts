import type { FastifyReply, FastifyRequest } from "fastify";
import type { Routes } from "../http/server.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

/** Seconds. */
const retryAfter = 5;

/** `/.well-known/revoked-sessions`: the signed list, or a stream of it for who accepts `text/event-stream`. */
export function revocationFeedRoutes(feed: RevocationFeed): Routes {
  return (server) => {
    // A stream would hold the stop up.
    server.addHook("preClose", async () => feed.streams.end());
    server.get("/.well-known/revoked-sessions", { config: { cors: { origin: "*" } } }, (request, reply) => {
      reply.headers({
        "cache-control": "no-cache",
        "cross-origin-resource-policy": "cross-origin",
        vary: "accept",
      });
      const list = feed.list();
      if (list === undefined) return unavailable(reply, "the revoked sessions cannot be read");
      if (request.method === "GET" && accepts(request, "text/event-stream"))
        return stream(feed, list.jwt, reply);
      reply.header("etag", list.etag);
      if (isKnown(list.etag, request.headers["if-none-match"])) return reply.code(304).send();
      return reply.type("application/jwt").send(list.jwt);
    });
  };
}

function stream(feed: RevocationFeed, jwt: string, reply: FastifyReply): FastifyReply {
  const events = feed.streams.open("snapshot", jwt);
  if (events === undefined) return unavailable(reply, "too many streams are open");
  return reply
    .type("text/event-stream")
    .headers({
      // The connection is of no further use afterwards, and a stop need not wait for it.
      connection: "close",
      // nginx would hold events back.
      "x-accel-buffering": "no",
    })
    .send(events);
}

function unavailable(reply: FastifyReply, reason: string): FastifyReply {
  return reply.code(503).header("retry-after", retryAfter).send({ status: "unavailable", reason });
}

function accepts({ headers }: FastifyRequest, type: string): boolean {
  return headers.accept?.toLowerCase().includes(type) ?? false;
}

function isKnown(etag: string, ifNoneMatch: string | undefined): boolean {
  const known = ifNoneMatch?.split(",").map(opaqueTag) ?? [];
  return known.includes("*") || known.includes(opaqueTag(etag));
}

/** The part of an entity tag that the weak comparison compares (RFC 9110, 8.8.3.2). */
function opaqueTag(etag: string): string {
  return etag.trim().replace(/^W\//, "");
}
