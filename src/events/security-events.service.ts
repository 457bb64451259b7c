import type { EntityManager } from "@mikro-orm/postgresql";
import { GlobalIds } from "../global-ids/global-ids.service.ts";
import { checkPage, connectionOf } from "../graphql/paging.ts";
import type { Connection, PageArgs } from "../graphql/paging.ts";
import { accountEvents } from "./event-type.ts";
import type { EventActor, EventOutcome, EventType } from "./event-type.ts";
import type { SecurityEventType } from "./security-event.type.ts";

interface Row {
  id: string;
  occurred_at: string;
  type: EventType;
  outcome: EventOutcome;
  cause: string | null;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
  actor: EventActor;
}

/** The largest that PostgreSQL's bigint holds: comes after every event. */
const top = "9223372036854775807";

// A newer gateway on the same database may record what this one has no word for.
const page = `
  select id, occurred_at, type, outcome, cause, session_id, ip, user_agent, actor from auth_events
  where user_id = :userId and id < :before and type = any(cast(:types as text[]))
  order by id desc limit :limit`;

const types = `{${Object.keys(accountEvents).join()}}`;

/** What happened to an account, for its owner. */
export class SecurityEvents {
  private readonly em: EntityManager;
  private readonly globalIds: GlobalIds;

  constructor(em: EntityManager) {
    this.em = em;
    this.globalIds = new GlobalIds(em, "security_event");
  }

  /** The newest first. @throws InvalidInput with every fault at once */
  async list(userId: string, args: PageArgs): Promise<Connection<SecurityEventType>> {
    const ids = await this.globalIds.load();
    const after = checkPage(args, (id) => ids.open(id) !== undefined);
    const before = after === undefined ? top : ids.open(after);
    const rows = await this.em.fork().execute<Row[]>(page, { userId, before, types, limit: args.first + 1 });
    return connectionOf(
      rows.map((row) => ({ ...row, id: ids.seal(row.id) })),
      args,
      eventOf,
    );
  }
}

function eventOf(row: Row): SecurityEventType {
  return {
    id: row.id,
    type: row.type,
    outcome: row.outcome,
    cause: row.cause,
    actor: row.actor,
    occurredAt: new Date(row.occurred_at),
    sessionId: row.session_id,
    ip: row.ip,
    // An operator's account on the machine is no business of others.
    userAgent: row.actor === "operator" ? null : row.user_agent,
  };
}
