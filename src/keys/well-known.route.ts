import type { FastifyInstance } from "fastify";
import { answerPublicDocument } from "../http/public-document.ts";
import type { PublicJwk } from "../security/key-pair.ts";

export interface WellKnownOptions {
  /** The keys to publish; unset for a shared secret, with which nobody else can verify anything. */
  published: (() => PublicJwk[]) | undefined;
  issuer: string;
  /** Seconds for which a verifier may keep the keys; less than a new key is published before it signs. */
  maxAge: number;
}

/** What other services need to verify tokens: the keys (RFC 7517), and where they are (RFC 8414). */
export function wellKnownRoutes({ published, issuer, maxAge }: WellKnownOptions) {
  const inJson = (document: object, readers: "public" | "private") => ({
    type: "application/json",
    body: JSON.stringify(document),
    cacheControl: `${readers}, max-age=${maxAge}`,
  });
  const ownUrl = /^https?:/.test(issuer) ? issuer.replace(/\/$/, "") : undefined;

  return (server: FastifyInstance): void => {
    server.get("/.well-known/jwks.json", (request, reply) =>
      answerPublicDocument(request, reply, inJson({ keys: published?.() ?? [] }, "public")),
    );
    server.get("/.well-known/openid-configuration", (request, reply) => {
      // Not `request.host`: proxies let X-Forwarded-Host of a client pass.
      const base = ownUrl ?? `${request.protocol}://${request.headers.host ?? ""}`;
      const metadata = {
        issuer,
        jwks_uri: `${base}/.well-known/jwks.json`,
        // Required by RFC 8414; sign-in goes over GraphQL, not over OAuth.
        response_types_supported: [],
        grant_types_supported: [],
        claims_supported: ["iss", "aud", "sub", "sid", "iat", "exp", "jti"],
        ...(published && { revoked_sessions_uri: `${base}/.well-known/revoked-sessions` }),
      };
      // What one request says of us, no cache may tell another: it names whose keys to trust.
      return answerPublicDocument(request, reply, inJson(metadata, ownUrl ? "public" : "private"));
    });
  };
}
