import type { FoundEvent } from "../events/event-search.ts";
import { printable } from "../security/printable-text.ts";

/** For programs: an object without line breaks and control characters. */
export function jsonLine(event: FoundEvent): string {
  return printable(JSON.stringify(event));
}

/** For people. What somebody else made up stands in quotes, and cannot break out of them or of the line. */
export function textLine(event: FoundEvent): string {
  const { occurredAt, type, outcome, cause, actor, userId, username, sessionId, keyId, ip, userAgent } =
    event;
  const facts = {
    cause,
    user: userId,
    name: quoted(username),
    session: sessionId,
    key: keyId,
    ip,
    agent: quoted(userAgent),
    by: actor === "user" ? null : actor,
  };
  const known = Object.entries(facts).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${value}`],
  );
  return printable([occurredAt.toISOString(), type.padEnd(21), outcome, ...known].join("  "));
}

function quoted(text: string | null): string | null {
  return text === null ? null : JSON.stringify(text);
}
