import type { EventType } from "../events/event-type.ts";
import type { User } from "./user.entity.ts";

/** What the changes mean for who can sign in. */
export function credentialEvents(user: User, { passwordHash, email, username }: Partial<User>): EventType[] {
  const types: EventType[] = [];
  if (passwordHash !== undefined) types.push("PASSWORD_CHANGED");
  if (email !== undefined && email !== user.email) types.push("EMAIL_CHANGED");
  if (username !== undefined && username !== user.username) types.push("USERNAME_CHANGED");
  return types;
}
