import { randomUUID } from "node:crypto";
import { expect, it } from "@jest/globals";
import { RevokedTokens } from "../../src/verify/revoked-tokens.ts";

const nothing = { sids: [], subs: new Map<string, number>(), all: 0 };
const token = (claims: { sid?: string; sub?: string; iat?: number } = {}) => ({
  sid: randomUUID(),
  sub: randomUUID(),
  iat: 1_000,
  ...claims,
});

it("forgets a session a minute after its last access token has expired, and not because it is named again", () => {
  const [gone, here, again] = [randomUUID(), randomUUID(), randomUUID()];
  const now = Date.now() / 1000;
  const tokens = new RevokedTokens();
  const has = (sid: string) => tokens.has(token({ sid }));
  tokens.add({ ...nothing, sids: [hex(gone), hex(again)], exp: now - 61 });
  tokens.add({ ...nothing, sids: [hex(here)], exp: now - 58 });
  expect([gone, here, again].map(has)).toEqual([false, true, false]);
  tokens.add({ ...nothing, sids: [hex(again)], exp: now - 59 });
  tokens.add({ ...nothing, sids: [hex(again)], exp: now + 900 });
  expect(has(again.toUpperCase())).toBe(true);
});

it("refuses what was issued to a user before a time, and takes no earlier time for a later one", () => {
  const [sub, other] = [randomUUID(), randomUUID()];
  const exp = Date.now() / 1000 + 900;
  const tokens = new RevokedTokens();
  const refused = (claims: object) => tokens.has(token(claims));
  for (const before of [1_000, 1_010, 1_005])
    tokens.add({ ...nothing, subs: new Map([[hex(sub), before]]), exp });
  expect([1_009, 1_010].map((iat) => refused({ sub, iat }))).toEqual([true, false]);
  expect(refused({ sub: other, iat: 1 })).toBe(false);
  tokens.add({ ...nothing, all: 1_020, exp });
  tokens.add({ ...nothing, all: 1_015, exp });
  expect([1_019, 1_020].map((iat) => refused({ sub: other, iat }))).toEqual([true, false]);
});

it("forgets a user a minute after the last of those tokens has expired", () => {
  const sub = randomUUID();
  const now = Date.now() / 1000;
  const tokens = new RevokedTokens();
  tokens.add({ ...nothing, subs: new Map([[hex(sub), 1_010]]), exp: now - 61 });
  expect(tokens.has(token({ sub }))).toBe(true);
  tokens.add({ ...nothing, exp: now + 900 });
  expect(tokens.has(token({ sub }))).toBe(false);
});

function hex(id: string): string {
  return id.replaceAll("-", "");
}
