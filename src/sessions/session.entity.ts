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
    user: () => p.manyToOne(User).ref().deleteRule("cascade"),
    /** Grows by one with each refresh; the only refresh token that counts carries it. */
    refreshGeneration: p.integer().default(0),
    /** Generations that were issued again before any of their tokens was used. */
    supersededGenerations: p.string().columnType("int4multirange").defaultRaw("'{}'"),
    /** Generation that was exchanged of late, before the one of the present pair -> when, in seconds since the epoch. */
    spentGenerations: p.json<Record<string, number>>().defaultRaw("'{}'"),
    /** The newest generation of which the gateway has seen an access token. */
    usedGeneration: p.integer().nullable(),
    /** When the present pair of tokens was issued. */
    rotatedAt: p.datetime().defaultRaw("now()"),
    createdAt: p.datetime().defaultRaw("now()"),
    /** When the password was last shown. */
    authenticatedAt: p.datetime().defaultRaw("now()"),
    /** To the minute. */
    lastUsedAt: p.datetime().defaultRaw("now()"),
    /** When it ends unless it is used before: never after `refreshExpiresAt`. */
    expiresAt: p.datetime().index("sessions_expires_at_index"),
    /** When the refresh token ends, and with it the session unless refreshed before. */
    refreshExpiresAt: p.datetime().index("sessions_refresh_expires_at_index"),
    revokedAt: p.datetime().nullable().index("sessions_revoked_at_index"),
    revokedReason: p.text().nullable(),
    ip: p.text().nullable(),
    userAgent: p.text().nullable(),
  },
  indexes: [{ name: "sessions_user_id_id_index", properties: ["user", "id"] }],
});

/** One sign-in, whatever the number of refreshes. */
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session);
