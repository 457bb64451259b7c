import type { EntityManager } from "@mikro-orm/postgresql";
import { LRUCache } from "lru-cache";
import { v7 } from "uuid";
import { forOwner } from "../accounts/user-visibility.ts";
import type { UserType } from "../accounts/user.type.ts";
import { Unauthenticated } from "../errors.ts";
import type { UnauthenticatedReason } from "../errors.ts";
import { RepeatedEvents } from "../events/repeated-events.ts";
import type { Client } from "../graphql/context.ts";
import type { NamedStatement } from "../named-statement.ts";
import type { ExtraClaims } from "../security/extra-claims.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import { countAgainst } from "../shares/current-caller.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import type { AuthPayload } from "./auth-payload.type.ts";
import type { LogoutScope } from "./logout.type.ts";
import { revokeSessions } from "./session-revocation.ts";
import { userOf } from "./session-row.ts";
import { findForRefresh, rotate } from "./session-statements.ts";
import type { IssuedState, OpenedRow, OpeningValues, RefreshRow } from "./session-statements.ts";

/** Seconds, but for `maxPerUser`. */
export interface SessionLimits {
  accessTokenTtl: number;
  refreshTokenTtl: number;
  /** A session that is not used for so long ends. */
  idleTtl: number;
  /** No session lives longer, however often it is refreshed. */
  absoluteTtl: number;
  refreshGrace: number;
  /** Live sessions of one user; the oldest sign-ins beyond end. */
  maxPerUser: number;
}

/** What somebody shows who wants to be signed out. */
interface ShownTokens {
  accessToken: string | undefined;
  refreshToken: string | undefined;
}

/** So many that no honest load reaches it within the grace time; a pair takes some 2 KB. */
const mostRecentPairs = 10_000;

/** Being signed in: opening sessions, refreshing and ending them. */
export class SessionService {
  private readonly em: EntityManager;
  private readonly tokens: SessionTokens;
  private readonly limits: SessionLimits;
  private readonly claims: ExtraClaims;
  private readonly throttle: Throttle;
  /** What refreshes of late were answered: signed anew, the same claims would have another signature. */
  private readonly recentPairs: LRUCache<string, Pick<AuthPayload, "token" | "refreshToken">>;
  private readonly repeatedEvents: RepeatedEvents;

  constructor(
    em: EntityManager,
    tokens: SessionTokens,
    limits: SessionLimits,
    claims: ExtraClaims,
    throttle: Throttle,
  ) {
    this.em = em;
    this.tokens = tokens;
    this.limits = limits;
    this.claims = claims;
    this.throttle = throttle;
    this.repeatedEvents = new RepeatedEvents(em);
    const ttl = Math.max(1, limits.refreshGrace) * 1000;
    this.recentPairs = new LRUCache({ max: mostRecentPairs, ttl, ttlAutopurge: true });
  }

  /**
   * Opens a session for whom a statement with `opening` signs in.
   * @returns undefined where it signs nobody in
   */
  async open<Values>(
    statement: NamedStatement<OpenedRow, Values & OpeningValues>,
    values: Values,
    { ip, userAgent }: Client,
  ): Promise<AuthPayload | undefined> {
    const { refreshTokenTtl, absoluteTtl, idleTtl, maxPerUser } = this.limits;
    const refreshLifetime = Math.min(refreshTokenTtl, absoluteTtl);
    const lifetime = Math.min(refreshLifetime, idleTtl);
    const sessionId = v7();
    const own = { sessionId, maxPerUser, refreshLifetime, lifetime, ip, userAgent };
    const [row] = await statement(this.em, { ...values, ...own });
    return row && this.payload(userOf(row), sessionId, row);
  }

  /**
   * The present token gets a new pair. The one before, within the grace time, gets the present pair again (two tabs, a
   * lost answer). An older one was used twice, so it may be stolen: its session ends (RFC 9700, 4.14.2).
   * @throws Unauthenticated with the reason; TooManyRequests after too many that failed
   */
  async refreshToken(refreshToken: string, client: Client): Promise<AuthPayload> {
    this.throttle.refuseSpentRefresh(refreshToken);
    try {
      return await this.exchange(refreshToken, client);
    } catch (error) {
      if (error instanceof Unauthenticated) await this.throttle.failedRefresh(refreshToken, client.ip, error);
      throw error;
    }
  }

  private async exchange(refreshToken: string, client: Client): Promise<AuthPayload> {
    const { userId, sessionId, generation } = this.tokens.verifyRefresh(refreshToken);
    countAgainst(userId);
    const values = { ...this.limits, ...client, userId, sessionId, generation };
    const [rotated] = await rotate(this.em, values);
    if (rotated) {
      const payload = this.payload(userOf(rotated), sessionId, rotated);
      const { token, refreshToken: next } = payload;
      this.recentPairs.set(`${sessionId}.${rotated.refresh_generation}`, { token, refreshToken: next });
      return payload;
    }

    const [row] = await findForRefresh(this.em, values);
    const refusal = refusalOf(row);
    if (row === undefined || refusal !== undefined) {
      const failure = { types: ["REFRESH_FAILED"], outcome: "failure", cause: refusal } as const;
      await this.repeatedEvents.record(`${sessionId} ${refusal}`, { ...failure, userId, sessionId }, client);
      throw new Unauthenticated(refusal ?? "USER_NOT_FOUND");
    }
    if (generation !== row.refresh_generation - 1 || !row.in_grace) {
      const subject = { userId, sessionId };
      await revokeSessions(this.em.fork(), subject, "CURRENT", "refresh_token_reused", client);
      throw new Unauthenticated("TOKEN_REVOKED");
    }
    const repeated = { types: ["TOKEN_REFRESHED"], cause: "REPEATED", userId, sessionId } as const;
    await this.repeatedEvents.record(`${sessionId} ${generation}`, repeated, client);
    const present = this.recentPairs.get(`${sessionId}.${row.refresh_generation}`);
    return Object.assign(this.payload(userOf(row), sessionId, row), present);
  }

  /**
   * Ends sessions by the access token or, when that is not usable, by the refresh token. What has ended already is not
   * counted and is no error.
   * @returns how many sessions were ended
   * @throws Unauthenticated when neither token is usable
   */
  async logout(tokens: ShownTokens, scope: LogoutScope, client: Client): Promise<number> {
    const subject = await this.subjectOf(tokens);
    return revokeSessions(this.em.fork(), subject, scope, "signed_out", client);
  }

  /** A client that sends both wants to be signed out: where the access token is of no more use, the other speaks. */
  private async subjectOf({ accessToken, refreshToken }: ShownTokens) {
    if (refreshToken === undefined) {
      if (accessToken === undefined) throw new Unauthenticated("TOKEN_MISSING");
      return this.tokens.verifyAccess(accessToken);
    }
    const byAccess = accessToken === undefined ? undefined : this.verifiedOrNone(accessToken);
    if (byAccess !== undefined && (await this.isAlive(byAccess.sessionId))) return byAccess;
    return { ...this.tokens.verifyRefresh(refreshToken), refreshGrace: this.limits.refreshGrace };
  }

  private verifiedOrNone(accessToken: string) {
    try {
      return this.tokens.verifyAccess(accessToken);
    } catch {
      return undefined;
    }
  }

  private async isAlive(sessionId: string): Promise<boolean> {
    const alive = "select from sessions where id = ? and revoked_at is null and expires_at > now()";
    return (await this.em.fork().execute<object[]>(alive, [sessionId])).length > 0;
  }

  /** Follows from the row alone, so that a repeated refresh within the grace time yields the same claims on every replica. */
  private payload(user: UserType, sessionId: string, state: IssuedState): AuthPayload {
    const subject = { userId: user.id, sessionId, generation: state.refresh_generation };
    const issuedAt = Math.floor(Date.parse(state.rotated_at) / 1000);
    const sessionEnd = Math.floor(Date.parse(state.refresh_expires_at) / 1000);
    const accessEnd = Math.min(issuedAt + this.limits.accessTokenTtl, sessionEnd);
    const access = { ...subject, jti: `${sessionId}.${state.refresh_generation}` };
    const claims = this.claims.inToken(user);
    return {
      user: forOwner(user, sessionId),
      token: this.tokens.signAccess(access, { issuedAt, expiresAt: accessEnd }, claims),
      expiresAt: new Date(accessEnd * 1000),
      refreshToken: this.tokens.signRefresh(subject, { issuedAt, expiresAt: sessionEnd }),
      refreshTokenExpiresAt: new Date(sessionEnd * 1000),
    };
  }
}

/** Why nothing can be refreshed, whatever the generation of the token. */
function refusalOf(row: RefreshRow | undefined): UnauthenticatedReason | undefined {
  if (row === undefined) return "USER_NOT_FOUND";
  if (!row.is_active) return "USER_DEACTIVATED";
  if (row.session_id === null || row.revoked_at !== null) return "TOKEN_REVOKED";
  return row.expired ? "TOKEN_EXPIRED" : undefined;
}
