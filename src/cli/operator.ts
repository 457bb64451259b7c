import { hostname, userInfo } from "node:os";
import type { EventOrigin } from "../events/event-record.ts";

/** Who uses a command, as far as the machine knows, for the event log. */
export function operator(): EventOrigin {
  return { ip: null, userAgent: `${accountName()}@${hostname()}`.slice(0, 512) };
}

/** An account without a name is common in containers. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
