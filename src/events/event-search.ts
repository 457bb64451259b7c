import type { EntityManager } from "@mikro-orm/postgresql";
import { nameKeys } from "../accounts/names/name-keys.ts";
import { isUuid } from "../security/uuid.ts";
import type { EventActor, EventOutcome, EventType } from "./event-type.ts";

/** Which events; what is left out does not count. */
export interface EventFilter {
  userId?: string | undefined;
  sessionId?: string | undefined;
  type?: EventType | undefined;
  outcome?: EventOutcome | undefined;
  ip?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
}

/** An event as the operator reads it; `username` as it is now. */
export interface FoundEvent {
  id: string;
  occurredAt: Date;
  type: EventType;
  outcome: EventOutcome;
  cause: string | null;
  actor: EventActor;
  userId: string | null;
  username: string | null;
  sessionId: string | null;
  keyId: string | null;
  ip: string | null;
  userAgent: string | null;
}

type Row = Omit<FoundEvent, "occurredAt"> & { occurredAt: string };

const columns = `
  e.id, e.occurred_at as "occurredAt", e.type, e.outcome, e.cause, e.actor, e.user_id as "userId", u.username,
  e.session_id as "sessionId", e.key_id as "keyId", e.ip, e.user_agent as "userAgent"`;

// Earlier versions recorded IPv4 addresses mapped into IPv6 where they listened to `::`.
const matching = `
  from auth_events e left join users u on u.id = e.user_id
  where (:userId::uuid is null or e.user_id = :userId) and (:sessionId::uuid is null or e.session_id = :sessionId)
    and (:type::text is null or e.type = :type) and (:outcome::text is null or e.outcome = :outcome)
    and (:ip::text is null or e.ip in (:ip, '::ffff:' || :ip))
    and (:since::timestamptz is null or e.occurred_at >= :since)
    and (:until::timestamptz is null or e.occurred_at < :until)`;

const newest = `select ${columns} ${matching} order by e.id desc limit :limit`;

const later = `
  select ${columns} ${matching} and (e.id > :last or e.id = any(cast(:missing as bigint[]))) order by e.id`;

const users = `
  select id, email_key = :emailAsTyped or username_key = :usernameAsTyped as "isAsTyped" from users
  where email_key in (:emailKey, :emailAsTyped) or username_key in (:usernameKey, :usernameAsTyped)
  order by "isAsTyped" desc`;

/** The newest that match, oldest first. */
export async function newestEvents(
  em: EntityManager,
  filter: EventFilter,
  limit: number,
): Promise<FoundEvent[]> {
  return (await em.execute<Row[]>(newest, { ...valuesOf(filter), limit })).map(eventOf).toReversed();
}

/** Those after the event `last`, and those of the ids `missing`, that match, oldest first. */
export async function laterEvents(
  em: EntityManager,
  filter: EventFilter,
  last: string,
  missing: readonly string[],
): Promise<FoundEvent[]> {
  const values = { ...valuesOf(filter), last, missing: `{${missing.join()}}` };
  return (await em.execute<Row[]>(later, values)).map(eventOf);
}

/** @param name an id, which may be that of a deleted account, or an email or username @throws an Error of one line */
export async function userIdOf(em: EntityManager, name: string): Promise<string> {
  if (isUuid(name.toLowerCase())) return name.toLowerCase();
  const keys = nameKeys({ email: name, username: name });
  const [found, another] = await em.execute<{ id: string; isAsTyped: boolean }[]>(users, { ...keys });
  if (found === undefined) throw new Error("No account has this id, email or username.");
  if (another !== undefined && !found.isAsTyped)
    throw new Error(
      `This is the email of one account and the username of another: ${found.id}, ${another.id}.`,
    );
  return found.id;
}

function valuesOf(filter: EventFilter): Record<string, unknown> {
  const any = {
    userId: null,
    sessionId: null,
    type: null,
    outcome: null,
    ip: null,
    since: null,
    until: null,
  };
  return { ...any, ...Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) };
}

function eventOf(row: Row): FoundEvent {
  return { ...row, occurredAt: new Date(row.occurredAt) };
}
