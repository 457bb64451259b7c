import { expect, it, jest } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { tokenOf } from "../src/verify/authorization-header.ts";
import { SessionTokens } from "../src/security/session-tokens.ts";
import { sharedSecret } from "../src/security/token-keys.ts";
import { VerifiedTokens } from "../src/security/verified-tokens.ts";
import type { CallerRow } from "../src/sessions/caller-query.ts";
import { LiveSessions } from "../src/sessions/live-sessions.ts";
import { callerRow } from "./support/caller-row.ts";
import { heldBytes } from "./support/held-bytes.ts";

const sessionTokens = () =>
  new SessionTokens({
    keys: sharedSecret("x".repeat(32)),
    issuer: "us",
    audience: "you",
    forwardAuthAudience: "them",
  });
const { key } = sharedSecret("x".repeat(32)).signing();

/** Runs with clocks that stand still. @param milliseconds since the epoch, or since the start */
function at<T>(milliseconds: number, work: () => T): T {
  const clocks = [jest.spyOn(Date, "now"), jest.spyOn(performance, "now")];
  for (const clock of clocks) clock.mockReturnValue(milliseconds);
  try {
    return work();
  } finally {
    for (const clock of clocks) clock.mockRestore();
  }
}

it("a token that was verified expires at the same moment as one that was not", () => {
  const lifetime = { issuedAt: 1_000, expiresAt: 2_000 };
  const subject = { userId: randomUUID(), sessionId: randomUUID(), jti: "x" };
  const known = sessionTokens();
  const token = known.signAccess(subject, lifetime, {});
  const outcome = (tokens: SessionTokens, now: number) =>
    at(now, () => {
      try {
        return tokens.verifyAccess(token).userId;
      } catch (error) {
        return (error as Error).message;
      }
    });
  expect(outcome(known, 1_500_000)).toBe(subject.userId);
  for (const now of [1_999_999, 2_000_000, 2_000_001, 1_500_000])
    expect(outcome(known, now)).toBe(outcome(sessionTokens(), now));
  expect(outcome(known, 2_000_000)).toBe("Token has expired.");
});

it("tokens are kept by number and by size", () => {
  const tokens = new VerifiedTokens();
  const verified = {
    userId: "",
    sessionId: "",
    generation: 0,
    issuedAt: 0,
    expiresAt: 0,
    kid: undefined,
    key,
  };
  const kept = (names: string[]) => names.filter((name) => tokens.get(name)).length;
  const small = Array.from({ length: 20_001 }, (_, index) => `small ${index}`);
  for (const token of small) tokens.set(token, verified);
  expect(kept(small)).toBe(20_000);
  const large = Array.from({ length: 2_000 }, (_, index) => `${index}`.padEnd(16_000));
  for (const token of large) tokens.set(token, verified);
  expect(kept(large)).toBe(1_000);
});

it("a token is kept without the header that it came in", () => {
  const tokens = new VerifiedTokens();
  const verified = {
    userId: "",
    sessionId: "",
    generation: 0,
    issuedAt: 0,
    expiresAt: 0,
    kid: undefined,
    key,
  };
  const before = heldBytes();
  for (let index = 0; index < 2_000; index++) {
    const header = Buffer.from(`Bearer ${"".padEnd(14_000)}${`${index}`.padStart(500, "x")}`).toString();
    tokens.set(String(tokenOf(header)), verified);
  }
  expect(heldBytes() - before).toBeLessThan(2_000 * 5_000);
  expect(tokens.get("1999".padStart(500, "x"))).toBe(verified);
});

function memory() {
  const noted: string[] = [];
  const note = (id: string) => noted.push(id) > 0;
  const live = new LiveSessions({ isHeard: () => true }, { granularity: 55, note });
  const keep = (of: CallerRow) => {
    const token = { userId: of.id, sessionId: of.session_id ?? "", generation: 0, expiresAt: 9_000_000_000 };
    live.callerOf(of, token, live.version, 0);
    return () => live.find(token);
  };
  return { keep, noted };
}

it("sessions are kept by number and by the size of their texts, and nobody's who has too long ones", () => {
  const { keep } = memory();
  const kept = (rows: CallerRow[]) => rows.map(keep).filter((find) => find() !== undefined).length;
  expect(kept(Array.from({ length: 100 }, () => callerRow()))).toBe(100);
  expect(kept([callerRow({ bio: "x".repeat(20_000) })])).toBe(0);
  const finds = Array.from({ length: 20_001 }, () => callerRow()).map(keep);
  expect(finds.filter((find) => find() !== undefined)).toHaveLength(20_000);
  const large = Array.from({ length: 4_000 }, () => callerRow({ bio: "x".repeat(10_000) })).map(keep);
  expect(large.filter((find) => find() !== undefined).length).toBeLessThan(2_500);
});

it("a session is asked for again half-way to its end, and each time when that is near", () =>
  at(0, () => {
    const { keep } = memory();
    const find = keep(callerRow({ seconds_left: 1_000 }));
    expect(at(499_999, find)).toBeDefined();
    expect(at(500_000, find)).toBeUndefined();
    expect(keep(callerRow({ seconds_left: 109 }))()).toBeUndefined();
  }));

it("a use is noted when it is due, and not before", () =>
  at(0, () => {
    const { keep, noted } = memory();
    const find = keep(callerRow({ seconds_unused: 20 }));
    at(34_999, find);
    expect(noted).toEqual([]);
    for (const now of [35_000, 35_001, 89_999]) at(now, find);
    expect(noted).toHaveLength(1);
    at(90_000, find);
    expect(noted).toHaveLength(2);
  }));
