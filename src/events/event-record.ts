import type { EntityManager } from "@mikro-orm/postgresql";
import type { EventActor, EventOutcome, EventType } from "./event-type.ts";

/** Where an action comes from. The user agent of an operator is their account on the machine. */
export interface EventOrigin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** Where the gateway acts by itself. */
export const nobody: EventOrigin = { ip: null, userAgent: null };

/** What an event says, or the parameter of the statement that says it. */
interface EventKind {
  type: EventType | ":type";
  outcome?: EventOutcome | ":outcome";
  cause?: Uppercase<string> | ":cause";
  actor?: EventActor | ":actor";
}

/** An event for every row of `from`, of which columns are named for the rest. */
interface EventRows extends EventKind {
  from: string;
  userId?: string;
  sessionId?: string;
  keyId?: string;
}

const insert =
  "insert into auth_events (type, outcome, cause, user_id, session_id, key_id, ip, user_agent, actor)";

/**
 * Records in the statement that does what is recorded, as a part of its `with`: neither is there without the other. The
 * statement has the parameters `:ip` and `:userAgent`.
 */
export function insertEvents(...events: EventRows[]): string {
  const selects = events.map(
    ({ from, type, outcome = "success", cause, userId, sessionId, keyId, actor = "user" }) =>
      `select ${valueOf(type)}, ${valueOf(outcome)}, ${valueOf(cause)}, cast(${userId ?? null} as uuid),
         cast(${sessionId ?? null} as uuid), ${keyId ?? null}, :ip, :userAgent, ${valueOf(actor)} from ${from}`,
  );
  return `${insert} ${selects.join(" union all ")}`;
}

function valueOf(text: string | undefined): string {
  if (text === undefined) return "null";
  return text.startsWith(":") ? text : `'${text}'`;
}

/** What has no statement of its own, or one of the ORM. Nothing that is typed, and nothing secret, has a place here. */
export interface NewEvents {
  types: readonly EventType[];
  outcome?: EventOutcome;
  cause?: string | undefined;
  userId?: string | undefined;
  sessionId?: string | undefined;
  actor?: EventActor;
}

const insertValues = `
  ${insert}
  select unnest(cast(:types as text[])), :outcome, :cause, cast(:userId as uuid), cast(:sessionId as uuid), null,
    :ip, :userAgent, :actor`;

/** Records; where that fails, what is recorded must fail too. */
export async function recordEvents(
  em: EntityManager,
  { types, outcome = "success", cause, userId, sessionId, actor = "user" }: NewEvents,
  { ip, userAgent }: EventOrigin,
): Promise<void> {
  const ids = { userId: userId ?? null, sessionId: sessionId ?? null };
  const kind = { types: `{${types.join()}}`, outcome, cause: cause ?? null, actor };
  await em.execute(insertValues, { ...kind, ...ids, ip, userAgent });
}
