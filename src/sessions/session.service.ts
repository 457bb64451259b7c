import type { EntityManager } from "@mikro-orm/postgresql";
import { LRUCache } from "lru-cache";
import { v7 } from "uuid";
import { forOwner } from "../accounts/user-visibility.ts";
import type { UserType } from "../accounts/user.type.ts";
import { Unauthenticated } from "../errors.ts";
import type { Client } from "../graphql/context.ts";
import type { ExtraClaims } from "../security/extra-claims.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import type { AuthPayload } from "./auth-payload.type.ts";
import type { LogoutScope } from "./logout.type.ts";
import { revokeSessions } from "./session-revocation.ts";
import type { RevocationReason } from "./session-revocation.ts";
import { sessionColumns, userOf } from "./session-row.ts";
import type { SessionRow } from "./session-row.ts";

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

type IssuedState = Pick<SessionRow, "refresh_generation" | "rotated_at" | "refresh_expires_at">;

/** So many that no honest load reaches it within the grace time; a pair takes some 2 KB. */
const mostRecentPairs = 10_000;

const reason: RevocationReason = "too_many_sessions";

// The sign-in has locked the user's row, so of several at once each counts those before it. The rows of sessions are
// locked in the order of their ids, as every sign-out locks them.
const insert = `
  with excess as (
    select s.id from sessions s
    where s.revoked_at is null and s.id in (
      select id from sessions where user_id = :userId and revoked_at is null and expires_at > now()
      order by created_at desc, id desc offset :maxPerUser - 1
    )
    order by s.id for update
  ), ended as (
    update sessions s set revoked_at = now(), revoked_reason = '${reason}' from excess where s.id = excess.id
  )
  insert into sessions (id, user_id, refresh_expires_at, expires_at, ip, user_agent)
  values (:id, :userId, now() + make_interval(secs => least(:refreshTokenTtl, :absoluteTtl)),
    now() + make_interval(secs => least(:refreshTokenTtl, :absoluteTtl, :idleTtl)), :ip, :userAgent)
  returning refresh_generation, rotated_at, refresh_expires_at`;

const absoluteEnd = "s.created_at + make_interval(secs => :absoluteTtl)";

const rotate = `
  update sessions s
  set refresh_generation = s.refresh_generation + 1, rotated_at = now(), last_used_at = now(),
    refresh_expires_at = least(now() + make_interval(secs => :refreshTokenTtl), ${absoluteEnd}),
    expires_at = least(now() + make_interval(secs => least(:refreshTokenTtl, :idleTtl)), ${absoluteEnd})
  from users u
  where s.id = :sessionId and u.id = :userId and s.user_id = u.id and u.is_active
    and s.refresh_generation = :generation and s.revoked_at is null and s.expires_at > now()
    and ${absoluteEnd} > now()
  returning ${sessionColumns}`;

const findForRefresh = `
  select ${sessionColumns}, least(s.expires_at, ${absoluteEnd}) <= now() as expired,
    s.rotated_at > now() - make_interval(secs => :refreshGrace) as in_grace
  from users u left join sessions s on s.id = :sessionId and s.user_id = u.id
  where u.id = :userId`;

/** Being signed in: opening sessions, refreshing and ending them. */
export class SessionService {
  private readonly em: EntityManager;
  private readonly tokens: SessionTokens;
  private readonly limits: SessionLimits;
  private readonly claims: ExtraClaims;
  private readonly throttle: Throttle;
  /** What refreshes of late were answered: signed anew, the same claims would have another signature. */
  private readonly recentPairs: LRUCache<string, Pick<AuthPayload, "token" | "refreshToken">>;

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
    const ttl = Math.max(1, limits.refreshGrace) * 1000;
    this.recentPairs = new LRUCache({ max: mostRecentPairs, ttl, ttlAutopurge: true });
  }

  /**
   * Opens a session within the transaction of `em`, which holds a lock on the user's row; the tokens are good once that
   * has committed.
   */
  async open(em: EntityManager, user: UserType, client: Client): Promise<AuthPayload> {
    const id = v7();
    const values = { ...this.limits, ...client, id, userId: user.id };
    const [state] = await em.execute<[IssuedState]>(insert, values);
    return this.payload(user, id, state);
  }

  /**
   * The present token gets a new pair. The one before, within the grace time, gets the present pair again (two tabs, a
   * lost answer). An older one was used twice, so it may be stolen: its session ends (RFC 9700, 4.14.2).
   * @throws Unauthenticated with the reason; TooManyRequests after too many that failed
   */
  async refreshToken(refreshToken: string, client: Client): Promise<AuthPayload> {
    this.throttle.refuseSpentRefresh(refreshToken);
    try {
      return await this.exchange(refreshToken);
    } catch (error) {
      if (error instanceof Unauthenticated) await this.throttle.failedRefresh(refreshToken, client.ip, error);
      throw error;
    }
  }

  private async exchange(refreshToken: string): Promise<AuthPayload> {
    const { userId, sessionId, generation } = this.tokens.verifyRefresh(refreshToken);
    const values = { ...this.limits, userId, sessionId, generation };
    const [rotated] = await this.em.fork().execute<SessionRow[]>(rotate, values);
    if (rotated) {
      const payload = this.payload(userOf(rotated), sessionId, rotated);
      const { token, refreshToken: next } = payload;
      this.recentPairs.set(`${sessionId}.${rotated.refresh_generation}`, { token, refreshToken: next });
      return payload;
    }

    const [row] = await this.em
      .fork()
      .execute<(SessionRow & { expired: boolean; in_grace: boolean })[]>(findForRefresh, values);
    if (row === undefined) throw new Unauthenticated("USER_NOT_FOUND");
    if (!row.is_active) throw new Unauthenticated("USER_DEACTIVATED");
    if (row.session_id === null || row.revoked_at !== null) throw new Unauthenticated("TOKEN_REVOKED");
    if (row.expired) throw new Unauthenticated("TOKEN_EXPIRED");
    if (generation === row.refresh_generation - 1 && row.in_grace)
      return Object.assign(
        this.payload(userOf(row), sessionId, row),
        this.recentPairs.get(`${sessionId}.${row.refresh_generation}`),
      );
    await revokeSessions(this.em.fork(), { userId, sessionId }, "CURRENT", "refresh_token_reused");
    throw new Unauthenticated("TOKEN_REVOKED");
  }

  /**
   * Ends sessions by the access token or, when that is not usable, by the refresh token. What has ended already is not
   * counted and is no error.
   * @returns how many sessions were ended
   * @throws Unauthenticated when neither token is usable
   */
  async logout(
    accessToken: string | undefined,
    refreshToken: string | undefined,
    scope: LogoutScope,
  ): Promise<number> {
    const subject = await this.subjectOf(accessToken, refreshToken);
    return revokeSessions(this.em.fork(), subject, scope, "signed_out");
  }

  /** A client that sends both wants to be signed out: where the access token is of no more use, the other speaks. */
  private async subjectOf(accessToken: string | undefined, refreshToken: string | undefined) {
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
