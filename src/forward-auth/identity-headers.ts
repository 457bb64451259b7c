import type { Caller } from "../sessions/caller.ts";

/** Who is calling, for the application behind a proxy; all four are always there, so that they replace what a client sent. */
export function identityHeaders({ user, sessionId }: Caller): Record<string, string> {
  return {
    "x-user-id": user.id,
    "x-user-name": headerText(user.username),
    "x-user-email": headerText(user.email),
    "x-session-id": sessionId,
  };
}

/**
 * Printable ASCII but `%` as it is, everything else as the percent-encoded bytes of its UTF-8, so `decodeURIComponent`
 * gives the text back. A space at either end is encoded too: HTTP drops it (RFC 9110, 5.5), and " ada" is not "ada".
 */
export function headerText(text: string): string {
  return text.replaceAll(/^ | $|%|[^ -~]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
      "",
    ),
  );
}
