import type { EntityManager } from "@mikro-orm/postgresql";
import { Unauthenticated } from "../errors.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import type { AccessTokenFacts } from "../security/verified-tokens.ts";
import { countAgainst } from "../shares/current-caller.ts";
import { readCaller } from "./caller-query.ts";
import type { CallerRow } from "./caller-query.ts";
import type { Caller } from "./caller.ts";
import type { LastUse } from "./last-use.ts";
import type { LiveSessions } from "./live-sessions.ts";
import { revokeSessions } from "./revocations/session-revocation.ts";

interface Look {
  row: Promise<CallerRow | undefined>;
  askedAt: number;
  version: number | undefined;
}

/** Turns an access token into the current user. */
export class AuthenticationService {
  private readonly em: EntityManager;
  private readonly tokens: SessionTokens;
  private readonly live: LiveSessions;
  private readonly lastUse: LastUse;
  /** Looks at the database that have no answer yet, by session, user and generation. */
  private readonly looks = new Map<string, Look>();

  constructor(em: EntityManager, tokens: SessionTokens, live: LiveSessions, lastUse: LastUse) {
    this.em = em;
    this.tokens = tokens;
    this.live = live;
    this.lastUse = lastUse;
  }

  /**
   * Who the user is, whether they are active and whether the session is alive: from memory where it is kept, else by one
   * query. So a sign-out or a deactivation bites on the very next request.
   * A token of a superseded generation ends its session.
   * @throws Unauthenticated with the reason
   */
  async authenticate(accessToken: string | undefined, client: EventOrigin): Promise<Caller> {
    if (accessToken === undefined) throw new Unauthenticated("TOKEN_MISSING");
    const token = this.tokens.verifyAccess(accessToken);
    countAgainst(token.userId);
    return this.live.find(token) ?? this.ask(token, client);
  }

  private async ask(token: AccessTokenFacts, client: EventOrigin): Promise<Caller> {
    const { row: answer, version, askedAt } = this.look(token);
    const row = await answer;
    if (row === undefined) throw new Unauthenticated("USER_NOT_FOUND");
    if (!row.is_active) throw new Unauthenticated("USER_DEACTIVATED");
    if (row.session_id === null || row.revoked_at !== null) throw new Unauthenticated("TOKEN_REVOKED");
    if (row.seconds_left <= 0) throw new Unauthenticated("TOKEN_EXPIRED");
    if (row.counts === false) {
      await revokeSessions(this.em.fork(), token, "CURRENT", "refresh_token_reused", client);
      throw new Unauthenticated("TOKEN_REVOKED");
    }
    const { granularity } = this.lastUse;
    const isUseDue = row.seconds_unused > granularity;
    if (isUseDue) this.lastUse.note(token.sessionId);
    // It could be over before the next write, and the request that follows this one be refused.
    if (isUseDue && row.seconds_left < granularity) await this.lastUse.flush();
    return this.live.callerOf(row, token, version, askedAt);
  }

  /** Who asks for the same at once looks together, unless something was forgotten since the look began. */
  private look(token: AccessTokenFacts): Look {
    const { version } = this.live;
    const key = `${token.sessionId} ${token.userId} ${token.generation}`;
    const begun = this.looks.get(key);
    if (begun !== undefined && version !== undefined && begun.version === version) return begun;
    const look = { row: readCaller(this.em, token), askedAt: performance.now(), version };
    if (version === undefined) return look;
    this.looks.set(key, look);
    const end = () => {
      if (this.looks.get(key) === look) this.looks.delete(key);
    };
    look.row.then(end, end);
    return look;
  }
}
