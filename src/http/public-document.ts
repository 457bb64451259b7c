import type { FastifyReply, FastifyRequest } from "fastify";
import { createHash } from "node:crypto";

export interface PublicDocument {
  type: string;
  body: string;
  /** In quotes; unset: a digest of the body. */
  etag?: string;
  cacheControl: string;
}

/** Answers with what any page and any cache may read, or with 304 when the caller has it already (RFC 9110, 13.1.2). */
export function answerPublicDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, body, cacheControl, etag = etagOf(body) }: PublicDocument,
): FastifyReply {
  reply.headers({
    etag,
    "cache-control": cacheControl,
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
  if (isKnown(etag, request.headers["if-none-match"])) return reply.code(304).send();
  return reply.type(type).send(body);
}

export function etagOf(body: string): string {
  return `"${createHash("sha256").update(body).digest("base64url")}"`;
}

/** Tags are compared weakly: a proxy that compresses may have made ours weak. */
function isKnown(etag: string, known = ""): boolean {
  return known.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
}
