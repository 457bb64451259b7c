import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { createHash } from "node:crypto";
import type { PublicJwk } from "../security/key-pair.ts";

export interface WellKnownOptions {
  /** The keys to publish: none for a shared secret. */
  published: () => PublicJwk[];
  issuer: string;
  /** Seconds for which a verifier may keep the keys; less than a new key is published before it signs. */
  maxAge: number;
}

/** What other services need to verify tokens: the keys (RFC 7517), and where they are (RFC 8414). */
export function wellKnownRoutes({ published, issuer, maxAge }: WellKnownOptions) {
  const answer = (request: FastifyRequest, reply: FastifyReply, document: object): FastifyReply => {
    const body = JSON.stringify(document);
    const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
    reply.headers({
      etag,
      "cache-control": `public, max-age=${maxAge}`,
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
    });
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    return reply.type("application/json").send(body);
  };

  return (server: FastifyInstance): void => {
    server.get("/.well-known/jwks.json", (request, reply) => answer(request, reply, { keys: published() }));
    server.get("/.well-known/openid-configuration", (request, reply) => {
      const base = /^https?:/.test(issuer)
        ? issuer.replace(/\/$/, "")
        : `${request.protocol}://${request.host}`;
      return answer(request, reply, {
        issuer,
        jwks_uri: `${base}/.well-known/jwks.json`,
        // Required by RFC 8414; sign-in goes over GraphQL, not over OAuth.
        response_types_supported: [],
        grant_types_supported: [],
        claims_supported: ["iss", "aud", "sub", "sid", "iat", "exp", "jti"],
        revoked_sessions_uri: `${base}/.well-known/revoked-sessions`,
      });
    });
  };
}
