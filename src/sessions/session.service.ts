import type { EntityManager } from "@mikro-orm/postgresql";
import { Unauthenticated } from "../errors.ts";
import type { UnauthenticatedReason } from "../errors.ts";
import { RepeatedEvents } from "../events/repeated-events.ts";
import type { Client } from "../graphql/context.ts";
import type { NamedStatement } from "../database/named-statement.ts";
import { addressBlock } from "../security/address-block.ts";
import type { ExtraClaims } from "../security/extra-claims.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import { countAgainst } from "../shares/current-caller.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import type { AuthPayload } from "./auth-payload.type.ts";
import type { LogoutScope } from "./logout.type.ts";
import { RecordedRefreshes } from "./refresh/recorded-refreshes.ts";
import { revokeAllSessions, revokeSessions } from "./revocations/session-revocation.ts";
import { findForRefresh, openingValues, reopen, rotate } from "./session-statements.ts";
import type { OpenedRow, OpeningLimits, OpeningValues, RefreshRow } from "./session-statements.ts";
import { TokenPairs } from "./refresh/token-pairs.ts";

/** Seconds, but for `maxPerUser`. */
export interface SessionLimits extends OpeningLimits {
  accessTokenTtl: number;
  refreshGrace: number;
}

/** What somebody shows who wants to be signed out. */
interface ShownTokens {
  accessToken: string | undefined;
  refreshToken: string | undefined;
}

/** Being signed in: opening sessions, refreshing and ending them. */
export class SessionService {
  private readonly em: EntityManager;
  private readonly tokens: SessionTokens;
  private readonly limits: SessionLimits;
  private readonly pairs: TokenPairs;
  private readonly throttle: Throttle;
  private readonly repeatedEvents: RepeatedEvents;
  private readonly recordedRefreshes = new RecordedRefreshes();

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
    this.pairs = new TokenPairs(tokens, claims, limits);
    this.throttle = throttle;
    this.repeatedEvents = new RepeatedEvents(em);
  }

  /**
   * Opens a session for whom a statement with `opening` signs in.
   * @returns undefined where it signs nobody in
   */
  async open<Values>(
    statement: NamedStatement<OpenedRow, Values & OpeningValues>,
    values: Values,
    client: Client,
  ): Promise<AuthPayload | undefined> {
    const own = openingValues(this.limits, client);
    const [row] = await statement(this.em, { ...values, ...own });
    return row && this.pairs.opened(row, own.sessionId);
  }

  /**
   * Ends every session of a user whose password has changed, and opens one for the client that changed it.
   * @param em in a transaction that has locked the row of the user
   */
  async replaceAll(em: EntityManager, userId: string, client: Client): Promise<AuthPayload> {
    await revokeAllSessions(em, userId, client);
    const own = openingValues(this.limits, client);
    const [row] = await em.execute<[OpenedRow]>(reopen, { ...own, userId });
    return this.pairs.opened(row, own.sessionId);
  }

  /**
   * Exchanges a refresh token as its GenerationState says: for a new pair, for the present one again (several tabs), for a
   * new one that supersedes an answer that was lost, or for the end of the session, because it may be stolen (RFC 9700,
   * 4.14.2).
   * @throws Unauthenticated with the reason; TooManyRequests after too many
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
    this.throttle.writes?.chargeRefresh(userId, sessionId);
    const isRecorded = !this.recordedRefreshes.has(sessionId, client.ip);
    const values = { ...this.limits, ...client, userId, sessionId, generation, isRecorded };
    const [rotated] = await rotate(this.em, values);
    if (rotated) {
      this.recordedRefreshes.add(sessionId, client.ip);
      return this.pairs.rotated(rotated, sessionId);
    }

    const [row] = await findForRefresh(this.em, values);
    // Each address has events of its own: those of the owner's second tab must not hide a thief's.
    const block = addressBlock(client.ip);
    const refusal = refusalOf(row);
    if (row === undefined || refusal !== undefined) {
      const failure = { types: ["REFRESH_FAILED"], outcome: "failure", cause: refusal } as const;
      await this.repeatedEvents.record(
        `${sessionId} ${refusal} ${block}`,
        { ...failure, userId, sessionId },
        client,
      );
      throw new Unauthenticated(refusal ?? "USER_NOT_FOUND");
    }
    if (row.state === "reused") {
      const subject = { userId, sessionId };
      await revokeSessions(this.em.fork(), subject, "CURRENT", "refresh_token_reused", client);
      throw new Unauthenticated("TOKEN_REVOKED");
    }
    // The grace time, or something else, ended between the two statements.
    if (row.state !== "repeated") return this.exchange(refreshToken, client);
    const repeated = { types: ["TOKEN_REFRESHED"], cause: "REPEATED", userId, sessionId } as const;
    await this.repeatedEvents.record(`${sessionId} ${generation} ${block}`, repeated, client);
    return this.pairs.repeated(row, sessionId);
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
}

/** Why nothing can be refreshed, whatever the generation of the token. */
function refusalOf(row: RefreshRow | undefined): UnauthenticatedReason | undefined {
  if (row === undefined) return "USER_NOT_FOUND";
  if (!row.is_active) return "USER_DEACTIVATED";
  if (row.session_id === null || row.revoked_at !== null) return "TOKEN_REVOKED";
  return row.expired ? "TOKEN_EXPIRED" : undefined;
}
