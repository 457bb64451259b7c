import type { EntityManager } from "@mikro-orm/postgresql";
import { describe, expect, it } from "@jest/globals";
import { parse } from "graphql";
import { randomUUID } from "node:crypto";
import { SignInLookup } from "../src/accounts/sign-in-lookup.ts";
import { RepeatedEvents } from "../src/events/repeated-events.ts";
import { DocumentCache } from "../src/graphql/document-cache.ts";
import { sharedSecret } from "../src/security/token-keys.ts";
import { VerifiedTokens } from "../src/security/verified-tokens.ts";
import { LiveSessions } from "../src/sessions/live-sessions.ts";
import { RecentPairs } from "../src/sessions/refresh/recent-pairs.ts";
import { callerRow } from "./support/caller-row.ts";
import { heldBytes } from "./support/held-bytes.ts";

const mebibyte = 2 ** 20;

/** A text of its own, as one that came over the network is. */
const fresh = (text: string) => Buffer.from(text).toString();

/** What answers every statement with one row; nothing else is asked of it. */
const database = (row: object) => {
  const pool = { query: async () => ({ rows: [row] }) };
  const em = {
    isInTransaction: () => false,
    getConnection: () => ({ getNativeClient: async () => pool }),
    execute: async () => [],
    fork: () => em,
  };
  return em as unknown as EntityManager;
};

describe("parsed documents keep 30 MiB at most", () => {
  it.each<[string, number, (index: number) => string]>([
    ["short", 16_000, (index) => `{a${index}}`],
    ["of many fields", 500, (index) => `{me{id ${"id ".repeat(240)}a${index}}}`],
    ["of long names", 500, (index) => `{${"abcdefghijklmnopqrstuvwxyz ".repeat(240)}a${index}}`],
    ["of many variables", 300, (index) => `query(${"$a:A ".repeat(240)}){b${index}}`],
    ["of comments", 500, (index) => `{a}${"#\n".repeat(900)}#${index}`],
    ["of escapes", 300, (index) => `{a(b:"${"\\na".repeat(5_000)}${index}")}`],
    ["of two-byte text", 500, (index) => `{a}#${"Δ".repeat(40_000)}${index}`],
  ])("%s", async (_kind, count, documentOf) => {
    const before = heldBytes();
    const cache = new DocumentCache(() => true);
    for (let index = 0; index < count; index++)
      await cache.set(`${"0".repeat(64)}${index}`, parse(fresh(documentOf(index))));
    expect(heldBytes() - before).toBeLessThan(30 * mebibyte);
    expect(await cache.get(`${"0".repeat(64)}${count - 1}`)).toBeDefined();
  });
});

it("an invalid document is not kept, nor are its errors", async () => {
  const cache = new DocumentCache(() => false);
  await cache.set("key", parse("{abc}"));
  expect(await cache.get("key")).toBeUndefined();
});

it.each([100, 700, 8_000])("pairs of tokens of %i characters keep 24 MiB at most", (length) => {
  const before = heldBytes();
  const pairs = new RecentPairs(600);
  for (let index = 0; index < 20_000; index++) {
    const token = fresh(`${index}`.padEnd(length));
    pairs.set(randomUUID(), index, { token, refreshToken: fresh(token) });
  }
  expect(heldBytes() - before).toBeLessThan(24 * mebibyte);
});

it.each([200, 800, 8_000])("verified tokens of %i characters keep 30 MiB at most", (length) => {
  const before = heldBytes();
  const tokens = new VerifiedTokens();
  const { key } = sharedSecret("x".repeat(32)).signing();
  for (let index = 0; index < 25_000; index++) {
    const subject = { userId: randomUUID(), sessionId: randomUUID(), kid: randomUUID() };
    tokens.set(`${index}`.padEnd(length), {
      ...subject,
      generation: 0,
      issuedAt: 2_000_000_000,
      expiresAt: 2_000_000_000 + index / 2,
      key,
    });
  }
  expect(heldBytes() - before).toBeLessThan(30 * mebibyte);
});

it.each([0, 500, 12_000])("live sessions with bios of %i characters keep 60 MiB at most", (length) => {
  const before = heldBytes();
  const live = new LiveSessions({ isHeard: () => true }, { granularity: 55, note: () => true });
  for (let index = 0; index < 25_000; index++) {
    const row = callerRow({ bio: fresh("Δ".repeat(length)), full_name: fresh(`Δ ${index}`) });
    const token = {
      userId: row.id,
      sessionId: row.session_id ?? "",
      generation: 0,
      expiresAt: 9_000_000_000,
    };
    live.callerOf(row, token, live.version, 0);
  }
  expect(heldBytes() - before).toBeLessThan(60 * mebibyte);
});

it.each(["name", "Δ".repeat(400), "\u0001".repeat(255)])(
  "what is remembered of sign-ins keeps 8 MiB at most: %#",
  async (name) => {
    const before = heldBytes();
    const lookup = new SignInLookup(database({ id: null, wantedName: fresh(name), places: [] }));
    for (let index = 0; index < 20_000; index++)
      await lookup.find({ username: fresh(`${name}${index}`) }, "192.0.2.1");
    expect(heldBytes() - before).toBeLessThan(8 * mebibyte);
    expect(lookup.guess({ username: `${name}19999` }, "192.0.2.1")).toBeDefined();
  },
);

it.each([60, 600])("events that repeat keep 7 MiB at most, by %i characters", async (length) => {
  const before = heldBytes();
  const events = new RepeatedEvents(database({}));
  for (let index = 0; index < 20_000; index++)
    await events.record(fresh(`${index}`.padEnd(length, "Δ")), { types: [] }, { ip: null, userAgent: null });
  expect(heldBytes() - before).toBeLessThan(7 * mebibyte);
});
