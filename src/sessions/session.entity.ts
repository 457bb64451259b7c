import { defineEntity, p } from "@mikro-orm/core";
import { v7 } from "uuid";
import { User } from "../accounts/user.entity.ts";

const SessionSchema = defineEntity({
  name: "Session",
  tableName: "sessions",
  properties: {
    id: p
      .uuid()
      .primary()
      .onCreate(() => v7()),
    user: () => p.manyToOne(User).ref().deleteRule("cascade").index("sessions_user_id_index"),
    /** Grows by one with each refresh; the only refresh token that counts carries it. */
    refreshGeneration: p.integer().default(0),
    /** When the present pair of tokens was issued. */
    rotatedAt: p.datetime().defaultRaw("now()"),
    createdAt: p.datetime().defaultRaw("now()"),
    /** When the password was last shown. */
    authenticatedAt: p.datetime().defaultRaw("now()"),
    lastUsedAt: p.datetime().defaultRaw("now()"),
    expiresAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
    revokedReason: p.text().nullable(),
    ip: p.text().nullable(),
    userAgent: p.text().nullable(),
  },
});

/** One sign-in, whatever the number of refreshes. */
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session);
