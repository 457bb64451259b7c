import { randomUUID } from "node:crypto";
import { expect, it } from "@jest/globals";
import { RevokedSessions } from "../../src/verify/revoked-sessions.ts";

it("forgets a session a minute after its last access token has expired, and not because it is named again", () => {
  const [gone, here, again] = [randomUUID(), randomUUID(), randomUUID()];
  const now = Date.now() / 1000;
  const sessions = new RevokedSessions();
  sessions.add({ sids: [hex(gone), hex(again)], exp: now - 61 });
  sessions.add({ sids: [hex(here)], exp: now - 58 });
  expect([gone, here, again].map((sid) => sessions.has(sid))).toEqual([false, true, false]);
  sessions.add({ sids: [hex(again)], exp: now - 59 });
  sessions.add({ sids: [hex(again)], exp: now + 900 });
  expect(sessions.has(again.toUpperCase())).toBe(true);
});

function hex(sid: string): string {
  return sid.replaceAll("-", "");
}
