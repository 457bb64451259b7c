import jwt from "jsonwebtoken";
import { clock } from "../timing/clock.ts";
import { Unauthenticated } from "../errors.ts";
import { headerOf } from "../verify/token-form.ts";
import type { TokenKeys } from "./token-keys.ts";
import { isUuid } from "./uuid.ts";
import { VerifiedTokens } from "./verified-tokens.ts";
import type { VerifiedToken } from "./verified-tokens.ts";

export interface SessionTokensOptions {
  keys: TokenKeys;
  issuer: string;
  audience: string;
  /** Of the access tokens that a proxy hands on to the services behind it. */
  forwardAuthAudience: string;
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

type AccessSubject = TokenSubject & { jti: string };

type TokenType = "at+jwt" | "rt+jwt";

/** The last moment that a Date can hold, in seconds. */
const endOfTime = 8_640_000_000_000;

/** Of PostgreSQL's int. */
const largestGeneration = 2 ** 31 - 2;

/**
 * Signs and verifies the two tokens of a session. Their `typ` header (RFC 8725, 3.11) keeps one from passing for the
 * other, and so does `aud` with verifiers that look at no `typ`, as those of many gateways. The algorithm is pinned to
 * the key, so `none` and a swapped algorithm fail.
 */
export class SessionTokens {
  private readonly keys: TokenKeys;
  private readonly issuer: string;
  private readonly audiences: Record<TokenType, string>;
  private readonly forwardAuthAudience: string | string[];
  private readonly verified = new VerifiedTokens();

  constructor({ keys, issuer, audience, forwardAuthAudience }: SessionTokensOptions) {
    this.keys = keys;
    this.issuer = issuer;
    this.audiences = { "at+jwt": audience, "rt+jwt": `${audience}/refresh` };
    // A list, even of the same audience, is refused here and accepted by verifiers (RFC 7519, 4.1.3).
    this.forwardAuthAudience = forwardAuthAudience === audience ? [audience] : forwardAuthAudience;
  }

  /**
   * Its `jti` (RFC 9068) tells it from every other, also of the same second.
   * @param extraClaims what the operator adds; ours go over them
   */
  signAccess(subject: AccessSubject, lifetime: TokenLifetime, extraClaims: object): string {
    return this.signAccessFor(this.audiences["at+jwt"], subject, lifetime, extraClaims);
  }

  /** The same for a service behind a proxy. The gateway itself refuses such a token: it only says who is calling. */
  signForwarded(subject: AccessSubject, lifetime: TokenLifetime, extraClaims: object): string {
    return this.signAccessFor(this.forwardAuthAudience, subject, lifetime, extraClaims);
  }

  signRefresh(subject: TokenSubject & { generation: number }, lifetime: TokenLifetime): string {
    const claims = { sub: subject.userId, sid: subject.sessionId, gen: subject.generation };
    return this.sign("rt+jwt", { aud: this.audiences["rt+jwt"], ...claims }, lifetime);
  }

  /** A statement of ours for whoever reads it, of a type of its own; `iss`, `iat` and `exp` are added to the claims. */
  sign(typ: string, claims: object, { issuedAt, expiresAt }: TokenLifetime): string {
    const { algorithm, key, kid } = this.keys.signing();
    return jwt.sign({ ...claims, iss: this.issuer, iat: issuedAt, exp: expiresAt }, key, {
      header: { alg: algorithm, typ, ...(kid !== undefined && { kid }) },
    });
  }

  /** The `kid` of the key that signs now: what is kept signed is to be signed anew when it changes. */
  signingKid(): string | undefined {
    return this.keys.signing().kid;
  }

  /** @throws Unauthenticated TOKEN_INVALID or TOKEN_EXPIRED */
  verifyAccess(token: string): VerifiedToken {
    const known = this.verified.get(token);
    // What has expired meanwhile, or lost its key, is verified as any other, and refused for its own reason.
    if (
      known !== undefined &&
      isUnexpired(known.expiresAt) &&
      this.keys.verifying(known.kid)?.key === known.key
    )
      return known;
    if (known !== undefined) this.verified.delete(token);
    const { jti, ...facts } = this.verify(token, "at+jwt");
    const verified = { ...facts, generation: generationOf(jti) };
    this.verified.set(token, verified);
    return verified;
  }

  /** @throws Unauthenticated TOKEN_INVALID or TOKEN_EXPIRED */
  verifyRefresh(token: string): TokenSubject & { generation: number } {
    const { userId, sessionId, generation } = this.verify(token, "rt+jwt");
    if (!isWholeNumber(generation, largestGeneration)) throw new Unauthenticated("TOKEN_INVALID");
    return { userId, sessionId, generation };
  }

  private signAccessFor(
    aud: string | string[],
    { userId, sessionId, jti }: AccessSubject,
    lifetime: TokenLifetime,
    extraClaims: object,
  ): string {
    return this.sign("at+jwt", { ...extraClaims, aud, sub: userId, sid: sessionId, jti }, lifetime);
  }

  private verify(token: string, typ: TokenType) {
    const { claims, kid, key } = this.claimsOf(token, typ);
    const { sub: userId, sid: sessionId, gen: generation, jti, iat: issuedAt, exp: expiresAt } = claims;
    if (!isUuid(userId) || !isUuid(sessionId)) throw new Unauthenticated("TOKEN_INVALID");
    if (!isWholeNumber(issuedAt, endOfTime) || !isWholeNumber(expiresAt, endOfTime) || issuedAt > expiresAt)
      throw new Unauthenticated("TOKEN_INVALID");
    return { userId, sessionId, generation: generation as unknown, jti, issuedAt, expiresAt, kid, key };
  }

  private claimsOf(token: string, typ: TokenType) {
    const header = headerOf(token);
    const key = header?.typ === typ ? this.keys.verifying(header.kid) : undefined;
    if (key === undefined) throw new Unauthenticated("TOKEN_INVALID");
    let claims: jwt.JwtPayload | string;
    try {
      const expected = {
        issuer: this.issuer,
        audience: this.audiences[typ],
        clockTimestamp: clock.seconds(),
      };
      claims = jwt.verify(token, key.key, { ...expected, algorithms: [key.algorithm] });
    } catch (error) {
      throw new Unauthenticated(error instanceof jwt.TokenExpiredError ? "TOKEN_EXPIRED" : "TOKEN_INVALID");
    }
    // Ours are for one audience. A list that has it among others is of another maker.
    if (typeof claims === "string" || claims.aud !== this.audiences[typ])
      throw new Unauthenticated("TOKEN_INVALID");
    return { claims: claims as jwt.JwtPayload & Record<string, unknown>, kid: header?.kid, key: key.key };
  }
}

/** The generation in a `jti` of the form `<session>.<generation>`, to which a time may be added. */
function generationOf(jti: unknown): number | undefined {
  const [, digits = ""] = /^[\da-f-]{36}\.(\d{1,10})(?:\.\d+)?$/i.exec(String(jti)) ?? [];
  const generation = digits === "" ? undefined : Number(digits);
  return isWholeNumber(generation, largestGeneration) ? generation : undefined;
}

/** As jsonwebtoken goes by `exp`: whole seconds, and the last one is over when it begins. */
function isUnexpired(expiresAt: number): boolean {
  return clock.seconds() < expiresAt;
}

function isWholeNumber(value: unknown, largest: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest;
}
