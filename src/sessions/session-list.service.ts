import type { EntityManager } from "@mikro-orm/postgresql";
import { NotFound, Unauthenticated } from "../errors.ts";
import { insertEvents } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import { checkPage, connectionOf } from "../graphql/paging.ts";
import type { Connection, PageArgs } from "../graphql/paging.ts";
import type { Throttle } from "../throttling/throttle.service.ts";
import type { Caller } from "./caller.ts";
import type { RevocationReason } from "./revocations/session-revocation.ts";
import type { SessionType } from "./session.type.ts";
import { isUuid } from "../security/uuid.ts";

/** A user and the session by which they look. */
export interface SessionOwner {
  userId: string;
  sessionId: string;
}

interface Row {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  revoked_at: string | null;
  ip: string | null;
  user_agent: string | null;
}

/** Comes after every id, as the current session comes before every other. */
const top = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const columns = "s.id, s.created_at, s.last_used_at, s.expires_at, s.revoked_at, s.ip, s.user_agent";

// Ids are made in the order of time (RFC 9562, 5.7).
const page = `
  select ${columns} from sessions s
  where s.user_id = :userId and s.revoked_at is null and s.expires_at > now()
    and case when s.id = :sessionId then :fromStart else s.id < :before end
  order by s.id = :sessionId desc, s.id desc limit :limit`;

const reason: RevocationReason = "revoked_by_user";

const revoke = `
  with s as (
    update sessions s set revoked_at = now(), revoked_reason = '${reason}'
    where s.id = :id and s.user_id = :userId and s.revoked_at is null
      and exists (select from sessions c where c.id = :sessionId and c.revoked_at is null and c.expires_at > now())
    returning s.*
  ), recorded as (
    ${insertEvents({ type: "SESSION_REVOKED", cause: "BY_USER", from: "s", userId: "user_id", sessionId: "id" })}
  )
  select ${columns} from s`;

const find = `select ${columns} from sessions s where s.id = :id and s.user_id = :userId`;

/** The sessions of a user, for the user to see and to end. */
export class SessionList {
  private readonly em: EntityManager;
  private readonly throttle: Throttle;

  constructor(em: EntityManager, throttle: Throttle) {
    this.em = em;
    this.throttle = throttle;
  }

  /** Live ones, the current first, then by sign-in, newest first. @throws InvalidInput with every fault at once */
  async list(owner: SessionOwner, args: PageArgs): Promise<Connection<SessionType>> {
    const last = checkPage(args, isUuid);
    const before = last === undefined || last === owner.sessionId ? top : last;
    const values = { ...owner, before, fromStart: last === undefined, limit: args.first + 1 };
    const rows = await this.em.fork().execute<Row[]>(page, values);
    return connectionOf(rows, args, (row) => sessionOf(row, owner));
  }

  /**
   * Ends one session of the caller's; what has ended already is answered as it is.
   * @throws NotFound when it is none of theirs; Unauthenticated when the caller's own session has ended meanwhile;
   *   TooManyRequests, by session, so that the thief of another one cannot keep the owner from ending it
   */
  async revokeSession(id: string, caller: Caller, client: Client): Promise<SessionType> {
    this.throttle.writes?.chargeChange(caller.sessionId);
    const owner = { userId: caller.user.id, sessionId: caller.sessionId };
    const values = { ...owner, ...client, id: id.toLowerCase() };
    if (!isUuid(values.id)) throw new NotFound("No session of yours has this id.");
    const [ended] = await this.em.fork().execute<Row[]>(revoke, values);
    const [row] = ended ? [ended] : await this.em.fork().execute<Row[]>(find, values);
    if (row === undefined) throw new NotFound("No session of yours has this id.");
    if (row.revoked_at === null) throw new Unauthenticated("TOKEN_REVOKED");
    return sessionOf(row, owner);
  }
}

function sessionOf(row: Row, { sessionId }: SessionOwner): SessionType {
  return {
    id: row.id,
    current: row.id === sessionId,
    createdAt: new Date(row.created_at),
    lastUsedAt: new Date(row.last_used_at),
    expiresAt: new Date(row.expires_at),
    revokedAt: row.revoked_at === null ? null : new Date(row.revoked_at),
    ip: row.ip,
    userAgent: row.user_agent,
  };
}
