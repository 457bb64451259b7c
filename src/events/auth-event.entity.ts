import { defineEntity, p } from "@mikro-orm/core";

const AuthEventSchema = defineEntity({
  name: "AuthEvent",
  tableName: "auth_events",
  properties: {
    id: p.bigint().primary().generated("identity"),
    occurredAt: p.datetime().defaultRaw("now()").index("auth_events_occurred_at_index"),
    type: p.text(),
    /** `success` or `failure`. */
    outcome: p.text(),
    cause: p.text().nullable(),
    /** Not a reference: an event outlives the account. Unset where nobody was named, or nobody that is known. */
    userId: p.uuid().nullable(),
    sessionId: p.uuid().nullable(),
    /** The `kid` of a signing key. */
    keyId: p.text().nullable(),
    ip: p.text().nullable(),
    userAgent: p.text().nullable(),
    /** `user`, `operator` (a command, or SQL by hand) or `system` (the gateway itself). */
    actor: p.text().default("user"),
  },
  indexes: [
    {
      name: "auth_events_user_id_id_index",
      expression: 'create index "auth_events_user_id_id_index" on "auth_events" ("user_id", "id" desc)',
    },
    {
      name: "auth_events_signed_in_index",
      expression:
        'create index "auth_events_signed_in_index" on "auth_events" ("user_id", "id" desc) include ("ip") ' +
        "where \"type\" = 'SIGNED_IN' and \"outcome\" = 'success'",
    },
  ],
});

/** Something that happened to an account, a session or a key. The database refuses to change it. */
export class AuthEvent extends AuthEventSchema.class {}
AuthEventSchema.setClass(AuthEvent);
