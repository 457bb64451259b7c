import { LockMode } from "@mikro-orm/core";
import type { EntityManager } from "@mikro-orm/postgresql";
import { clock } from "../timing/clock.ts";
import { Unauthenticated } from "../errors.ts";
import { recordEvents } from "../events/event-record.ts";
import type { Client } from "../graphql/context.ts";
import type { Caller } from "../sessions/caller.ts";
import { Session } from "../sessions/session.entity.ts";
import { credentialEvents } from "./credential-events.ts";
import { changedKeys } from "./names/name-keys.ts";
import { User } from "./user.entity.ts";

/**
 * Writes changes that the caller makes to their account, and records them.
 * @param em in a transaction
 * @throws Unauthenticated when the user or the session has ended since the caller was authenticated
 */
export async function changeUser(
  em: EntityManager,
  changes: Partial<User>,
  { user: { id: userId }, sessionId }: Caller,
  client: Client,
): Promise<User> {
  // The user's row is locked first, so that of two password changes the later one finds its session ended.
  const user = await em.findOne(User, userId, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (user === null) throw new Unauthenticated("USER_NOT_FOUND");
  if (!user.isActive) throw new Unauthenticated("USER_DEACTIVATED");
  const alive = { id: sessionId, revokedAt: null, expiresAt: { $gt: new Date(clock.now()) } };
  if ((await em.findOne(Session, alive)) === null) throw new Unauthenticated("TOKEN_REVOKED");
  const types = credentialEvents(user, changes);
  em.assign(user, { ...changes, ...changedKeys(user, changes) });
  await em.flush();
  if (types.length > 0) await recordEvents(em, { types, userId, sessionId }, client);
  return user;
}
