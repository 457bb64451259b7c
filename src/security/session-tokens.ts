import { createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { Unauthenticated } from "../errors.ts";

export interface SessionTokensOptions {
  secret: string;
  issuer: string;
  audience: string;
}

/** What both tokens name: a user and one of their sessions. */
export interface TokenSubject {
  userId: string;
  sessionId: string;
}

/** Seconds since the epoch (RFC 7519 NumericDate). */
export interface TokenLifetime {
  issuedAt: number;
  expiresAt: number;
}

const algorithm = "HS256";
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Signs and verifies the two tokens of a session. Their `typ` header (RFC 8725, 3.11) keeps one from passing for the
 * other, and the algorithm is pinned, so `none` and a swapped algorithm fail.
 */
export class SessionTokens {
  private readonly key: KeyObject;
  private readonly claims: { issuer: string; audience: string };

  constructor({ secret, issuer, audience }: SessionTokensOptions) {
    this.key = createSecretKey(secret, "utf8");
    this.claims = { issuer, audience };
  }

  /** Its `jti` (RFC 9068) tells it from the one before, also when both are of one second. */
  signAccess(subject: TokenSubject & { generation: number }, lifetime: TokenLifetime): string {
    const { userId, sessionId, generation } = subject;
    return this.sign("at+jwt", { sid: sessionId, jti: `${sessionId}.${generation}` }, userId, lifetime);
  }

  signRefresh(subject: TokenSubject & { generation: number }, lifetime: TokenLifetime): string {
    return this.sign("rt+jwt", { sid: subject.sessionId, gen: subject.generation }, subject.userId, lifetime);
  }

  /** @throws Unauthenticated TOKEN_INVALID or TOKEN_EXPIRED */
  verifyAccess(token: string): TokenSubject {
    const { userId, sessionId } = this.verify(token, "at+jwt");
    return { userId, sessionId };
  }

  /** @throws Unauthenticated TOKEN_INVALID or TOKEN_EXPIRED */
  verifyRefresh(token: string): TokenSubject & { generation: number } {
    const { userId, sessionId, generation } = this.verify(token, "rt+jwt");
    if (!Number.isSafeInteger(generation)) throw new Unauthenticated("TOKEN_INVALID");
    return { userId, sessionId, generation: generation as number };
  }

  private sign(typ: string, payload: object, userId: string, { issuedAt, expiresAt }: TokenLifetime): string {
    return jwt.sign({ ...payload, iat: issuedAt, exp: expiresAt }, this.key, {
      ...this.claims,
      subject: userId,
      header: { alg: algorithm, typ },
    });
  }

  private verify(token: string, typ: string): TokenSubject & { generation: unknown } {
    let verified: jwt.Jwt;
    try {
      verified = jwt.verify(token, this.key, { ...this.claims, algorithms: [algorithm], complete: true });
    } catch (error) {
      throw new Unauthenticated(error instanceof jwt.TokenExpiredError ? "TOKEN_EXPIRED" : "TOKEN_INVALID");
    }
    const { header, payload } = verified;
    if (header.typ !== typ || typeof payload === "string") throw new Unauthenticated("TOKEN_INVALID");
    const {
      sub: userId,
      sid: sessionId,
      gen: generation,
    } = payload as jwt.JwtPayload & Record<string, unknown>;
    if (!isUuid(userId) || !isUuid(sessionId)) throw new Unauthenticated("TOKEN_INVALID");
    return { userId, sessionId, generation };
  }
}

function isUuid(value: unknown): value is string {
  return typeof value === "string" && uuid.test(value);
}
