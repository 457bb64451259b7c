import { forOwner } from "../../accounts/user-visibility.ts";
import type { ExtraClaims } from "../../security/extra-claims.ts";
import type { SessionTokens } from "../../security/session-tokens.ts";
import type { AuthPayload } from "../auth-payload.type.ts";
import { RecentPairs } from "./recent-pairs.ts";
import { userOf } from "../session-row.ts";
import type { UserRow } from "../session-row.ts";
import type { IssuedState, RefreshRow } from "../session-statements.ts";

/** Seconds. */
interface PairLimits {
  accessTokenTtl: number;
  refreshGrace: number;
}

/**
 * The tokens of a session. They follow from its row alone, so a repeated refresh yields the same claims on every replica.
 */
export class TokenPairs {
  private readonly tokens: SessionTokens;
  private readonly claims: ExtraClaims;
  private readonly limits: PairLimits;
  private readonly recent: RecentPairs;

  constructor(tokens: SessionTokens, claims: ExtraClaims, limits: PairLimits) {
    this.tokens = tokens;
    this.claims = claims;
    this.limits = limits;
    this.recent = new RecentPairs(Math.max(1, limits.refreshGrace));
  }

  /** The first pair of a session. */
  opened(row: UserRow & IssuedState, sessionId: string): AuthPayload {
    return this.payload(row, sessionId);
  }

  /** The pair of a new generation. */
  rotated(row: UserRow & IssuedState, sessionId: string): AuthPayload {
    const payload = this.payload(row, sessionId);
    this.recent.set(sessionId, row.refresh_generation, payload);
    return payload;
  }

  /** The pair that was issued last, with a fresh access token once half of that one's life is over. */
  repeated(row: RefreshRow, sessionId: string): AuthPayload {
    const recent = this.recent.get(sessionId, row.refresh_generation);
    const age = secondsOf(row.now) - secondsOf(row.rotated_at);
    if (age < this.limits.accessTokenTtl / 2) return Object.assign(this.payload(row, sessionId), recent);
    return Object.assign(
      this.payload(row, sessionId, row.now),
      recent && { refreshToken: recent.refreshToken },
    );
  }

  /** @param refreshedAt when the access token is issued, where that is later than the refresh token */
  private payload(row: UserRow & IssuedState, sessionId: string, refreshedAt?: string): AuthPayload {
    const user = userOf(row);
    const issuedAt = secondsOf(row.rotated_at);
    const accessIssuedAt = refreshedAt === undefined ? issuedAt : secondsOf(refreshedAt);
    const sessionEnd = secondsOf(row.refresh_expires_at);
    const accessEnd = Math.min(accessIssuedAt + this.limits.accessTokenTtl, sessionEnd);
    const subject = { userId: user.id, sessionId, generation: row.refresh_generation };
    const generationId = `${sessionId}.${row.refresh_generation}`;
    const jti = refreshedAt === undefined ? generationId : `${generationId}.${accessIssuedAt}`;
    const accessLifetime = { issuedAt: accessIssuedAt, expiresAt: accessEnd };
    return {
      user: forOwner(user, sessionId),
      token: this.tokens.signAccess({ ...subject, jti }, accessLifetime, this.claims.inToken(user)),
      expiresAt: new Date(accessEnd * 1000),
      refreshToken: this.tokens.signRefresh(subject, { issuedAt, expiresAt: sessionEnd }),
      refreshTokenExpiresAt: new Date(sessionEnd * 1000),
    };
  }
}

/** Of the epoch, whole. */
function secondsOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
