import type { EntityManager } from "@mikro-orm/postgresql";
import { forOwner } from "../accounts/user-visibility.ts";
import { Unauthenticated } from "../errors.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import type { Caller } from "./caller.ts";
import type { LastUse } from "./last-use.ts";
import { sessionColumns, userOf } from "./session-row.ts";
import type { SessionRow } from "./session-row.ts";

const callerQuery = `
  select ${sessionColumns}, s.expires_at <= now() as expired,
    s.last_used_at < now() - make_interval(secs => $3) as use_due,
    s.expires_at < now() + make_interval(secs => $3) as ends_soon
  from users u left join sessions s on s.id = $1 and s.user_id = u.id
  where u.id = $2`;

/** Turns an access token into the current user. */
export class AuthenticationService {
  private readonly em: EntityManager;
  private readonly tokens: SessionTokens;
  private readonly lastUse: LastUse;

  constructor(em: EntityManager, tokens: SessionTokens, lastUse: LastUse) {
    this.em = em;
    this.tokens = tokens;
    this.lastUse = lastUse;
  }

  /**
   * One query says who the user is, whether they are active and whether the session is alive, so that a sign-out or a
   * deactivation bites on the very next request.
   * @throws Unauthenticated with the reason
   */
  async authenticate(accessToken: string | undefined): Promise<Caller> {
    if (accessToken === undefined) throw new Unauthenticated("TOKEN_MISSING");
    const { userId, sessionId, expiresAt: tokenEnd } = this.tokens.verifyAccess(accessToken);
    // Every request comes by here: a statement that PostgreSQL has prepared, without the ORM's work around it.
    const pool = await this.em.getConnection().getNativeClient();
    const { rows } = await pool.query<
      SessionRow & { expired: boolean; use_due: boolean; ends_soon: boolean }
    >({
      name: "caller",
      text: callerQuery,
      values: [sessionId, userId, this.lastUse.granularity],
    });
    const [row] = rows;
    if (row === undefined) throw new Unauthenticated("USER_NOT_FOUND");
    if (!row.is_active) throw new Unauthenticated("USER_DEACTIVATED");
    if (row.session_id === null || row.revoked_at !== null) throw new Unauthenticated("TOKEN_REVOKED");
    if (row.expired) throw new Unauthenticated("TOKEN_EXPIRED");
    if (row.use_due) this.lastUse.note(sessionId);
    // It could be over before the next write, and the request that follows this one be refused.
    if (row.use_due && row.ends_soon) await this.lastUse.flush();
    const expiresAt = new Date(Math.min(tokenEnd * 1000, Date.parse(row.expires_at)));
    const user = forOwner(userOf(row), sessionId);
    return { user, sessionId, authenticatedAt: new Date(row.authenticated_at), expiresAt };
  }
}
