import { LRUCache } from "lru-cache";
import { forOwner } from "../accounts/user-visibility.ts";
import type { UserType } from "../accounts/user.type.ts";
import { retainedBytes } from "../security/retained-bytes.ts";
import type { AccessTokenFacts } from "../security/verified-tokens.ts";
import type { CallerRow } from "./caller-query.ts";
import type { Caller } from "./caller.ts";
import type { LastUse } from "./last-use.ts";
import { userOf } from "./session-row.ts";

interface LiveSession {
  /** Its user as they were when it was read: another one by now, or none, and it counts no more. */
  readonly user: UserType;
  readonly sessionEnd: number;
  /** Milliseconds by `performance.now()`, as all moments of a session here. */
  readonly askAgainAt: number;
  useDueAt: number;
  caller: Caller;
  /** Seconds since the epoch: the end of the token that `caller` was made for. */
  tokenEnd: number;
  /** Generations whose tokens count for good, because none of them is superseded and the last one was used. */
  readonly generations: { readonly from: number; readonly to: number };
}

/** Whether everything is heard that the database tells. */
export interface Hearing {
  /** @param now by `performance.now()` */
  isHeard(now: number): boolean;
}

/** Of each kind. */
const mostKept = 20_000;

/** Bytes: a session with its user and caller takes 1,500, and two for each character of a bio, which may be long. */
const mostBytes = 50_000_000;
const largestEntry = 32_768;

/** The payload by which all is to be forgotten. */
const everything = "*";

/**
 * Users and live sessions in memory, as long as the database tells of each change to them. Refusals are not kept. What it
 * knows, a request need not ask.
 */
export class LiveSessions {
  /** What the database's triggers notify; the payload is the id of a user or of a session. */
  static readonly channel = "gatehouse_forget";
  readonly channel = LiveSessions.channel;
  private readonly hearing: Hearing;
  private readonly lastUse: Pick<LastUse, "note" | "granularity">;
  private readonly limits = { max: mostKept, maxSize: mostBytes, maxEntrySize: largestEntry };
  private readonly sessions = new LRUCache<string, LiveSession>(this.limits);
  private readonly users = new LRUCache<string, UserType>(this.limits);
  private forgotten = 0;

  constructor(hearing: Hearing, lastUse: Pick<LastUse, "note" | "granularity">) {
    this.hearing = hearing;
    this.lastUse = lastUse;
  }

  /** Who is calling; undefined when the database is to be asked. */
  find({ userId, sessionId, generation, expiresAt }: AccessTokenFacts): Caller | undefined {
    const now = performance.now();
    if (!this.hearing.isHeard(now)) return undefined;
    const session = this.sessions.get(sessionId);
    if (session === undefined || session.askAgainAt <= now) return undefined;
    if (this.users.get(userId) !== session.user) return undefined;
    const { from, to } = session.generations;
    if (generation !== undefined && (generation < from || generation > to)) return undefined;
    if (session.useDueAt <= now && this.lastUse.note(sessionId))
      session.useDueAt = now + this.lastUse.granularity * 1000;
    if (session.tokenEnd !== expiresAt) {
      session.caller = withEnd(session.caller, expiresAt, session.sessionEnd);
      session.tokenEnd = expiresAt;
    }
    return session.caller;
  }

  /** Another number whenever something was forgotten; undefined while nothing can be kept. */
  get version(): number | undefined {
    return this.hearing.isHeard(performance.now()) ? this.forgotten : undefined;
  }

  /**
   * The caller that a row tells of, which must be one of a live session; kept unless something was forgotten since.
   * @param version as it was before the row was asked for
   * @param askedAt when it was, by `performance.now()`
   */
  callerOf(row: CallerRow, token: AccessTokenFacts, version: number | undefined, askedAt: number): Caller {
    const { granularity } = this.lastUse;
    const mayKeep = version === this.forgotten && row.counts !== null;
    const user = (mayKeep ? this.users.get(row.id) : undefined) ?? Object.freeze(userOf(row));
    const { sessionId, generation, expiresAt: tokenEnd } = token;
    const own = Object.freeze(forOwner({ ...user }, sessionId));
    const authenticatedAt = new Date(row.authenticated_at);
    const sessionEnd = Date.parse(row.expires_at);
    const caller = withEnd({ user: own, sessionId, authenticatedAt }, tokenEnd, sessionEnd);
    // What ends soon is asked for each time, so that a use in its last seconds can be written before it is answered.
    if (!mayKeep || row.seconds_left < 2 * granularity) return caller;
    // A later use may have moved the end meanwhile: half-way there it is read again.
    const askAgainAt = askedAt + row.seconds_left * 500;
    const useDueAt = askedAt + (granularity - Math.max(0, row.seconds_unused)) * 1000;
    const size = 1_500 + retainedBytes(user.email, user.username, user.bio, user.fullName);
    this.users.set(row.id, user, { size });
    const generations = { from: row.counts_from, to: generation ?? -1 };
    const session = { user, sessionEnd, askAgainAt, useDueAt, caller, tokenEnd, generations };
    this.sessions.set(sessionId, session, { size });
    return caller;
  }

  /** @param id of a user, with whom their sessions are forgotten, or of a session; `*` for all */
  forget(id: string): void {
    this.forgotten += 1;
    if (id === everything) {
      this.users.clear();
      this.sessions.clear();
    } else {
      this.users.delete(id);
      this.sessions.delete(id);
    }
  }

  notified(payload: string): void {
    this.forget(payload);
  }

  connected(): void {
    this.forget(everything);
  }

  disconnected(): void {
    this.forget(everything);
  }
}

function withEnd(known: Omit<Caller, "expiresAt">, tokenEnd: number, sessionEnd: number): Caller {
  const { user, sessionId, authenticatedAt } = known;
  const expiresAt = new Date(Math.min(tokenEnd * 1000, sessionEnd));
  return Object.freeze({ user, sessionId, authenticatedAt, expiresAt });
}
