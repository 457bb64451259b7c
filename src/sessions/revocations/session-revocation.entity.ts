import { defineEntity, p } from "@mikro-orm/core";

const SessionRevocationSchema = defineEntity({
  name: "SessionRevocation",
  tableName: "session_revocations",
  properties: {
    sessionId: p.uuid().primary(),
    revokedAt: p.datetime().index("session_revocations_revoked_at_index"),
    /** False where a TokenRevocation of the user says the same. */
    listed: p.boolean().default(true),
  },
});

/** A session that ended before its time. Triggers write it, and it outlives the session's own row. */
export class SessionRevocation extends SessionRevocationSchema.class {}
SessionRevocationSchema.setClass(SessionRevocation);
