import { clock } from "../timing/clock.ts";
import type { ClaimValue } from "../security/claim-source.ts";
import type { Caller } from "../sessions/caller.ts";

/**
 * What Hasura's webhook mode reads: every value a text, one role, and how long a websocket may go on under it. What the
 * claims file maps to `x-hasura-*` comes first; its lists are for Hasura's JWT mode only.
 */
export function sessionVariables(
  { user, expiresAt }: Caller,
  claims: Readonly<Record<string, ClaimValue>>,
): Record<string, string> {
  const mapped: Record<string, string> = {};
  for (const [name, value] of Object.entries(claims))
    if (/^x-hasura-/i.test(name) && typeof value !== "object") mapped[name.toLowerCase()] = String(value);
  return {
    "x-hasura-user-id": user.id,
    "x-hasura-role": mapped["x-hasura-default-role"] ?? (user.isStaff ? "staff" : "user"),
    ...mapped,
    "Cache-Control": `max-age=${Math.max(0, Math.floor((expiresAt.getTime() - clock.now()) / 1000))}`,
  };
}
