import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { accountOf, counts, password, sendFrom, signInFrom, throttled } from "../support/throttled.ts";

const home = "192.0.2.1";
const homeV6 = "2001:db8:5::1";
const updateDocument =
  "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { session { token } } }";

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  // The database's clock and sessions are what they are; the limit is one that a test reaches.
  gateway = await startGateway({ ...throttled, RATE_LIMIT_ACCOUNT: "30/1h", NAME_REUSE_AFTER: "0s" });
  await accountOf(gateway, "ada", home);
  ({ token } = (await signInFrom(gateway, homeV6, "ada", password)).data.login);
  for (let index = 0; index < 40; index++) await signInFrom(gateway, `198.51.100.${index}`, "ada");
});
afterAll(() => gateway.close());

it("forty addresses together get no more guesses at one account than its limit (ASVS V6.3.1)", async () => {
  const account = (await counts(gateway)).find(({ kind }) => kind === "account");
  expect(account?.points).toBeGreaterThanOrEqual(31);
  const { code, retryAfter } = await signInFrom(gateway, "198.51.100.77", "ada@example.com", password);
  expect(code).toBe("TOO_MANY_REQUESTS");
  expect(Number(retryAfter)).toBeGreaterThan(3_000);
});

it.each([
  ["from where they signed in before", home],
  ["from another address of their network", "2001:db8:5::abcd"],
])("the owner still gets in %s", async (_where, address) => {
  expect((await signInFrom(gateway, address, "ada", password)).code).toBe("OK");
});

it("the owner who signed out still gets in from there (ASVS V6.3.1)", async () => {
  const { data } = await signInFrom(gateway, home, "ada", password);
  await sendFrom(gateway, home, "mutation { logout { revokedSessions } }", {}, data.login.token);
  await gateway.sql("update sessions set revoked_at = now() where ip = $1", [home]);
  expect((await signInFrom(gateway, home, "ada", password)).code).toBe("OK");
});

it("the owner who is signed in can still change the password, wherever they are", async () => {
  const input = { password: "another horse battery", currentPassword: password };
  const { code, data } = await sendFrom(gateway, "203.0.113.9", updateDocument, { input }, token);
  expect(code).toBe("OK");
  ({ token } = data.updateUser.session);
  const back = { password, currentPassword: "another horse battery" };
  expect((await sendFrom(gateway, "203.0.113.9", updateDocument, { input: back }, token)).code).toBe("OK");
});

it("the owner's signing in makes no wait of strangers shorter", async () => {
  const strikes = () =>
    gateway.sql("select points from attempts where key like 'account:%:strikes' order by key");
  const before = await strikes();
  expect(before).toEqual([{ points: 1 }]);
  expect((await signInFrom(gateway, home, "ada", password)).code).toBe("OK");
  expect(await strikes()).toEqual(before);
});

it("an address that is known has no more guesses than any other", async () => {
  const outcomes = [];
  for (let index = 0; index < 12; index++) outcomes.push((await signInFrom(gateway, home, "ada")).code);
  expect(outcomes).toEqual([
    ...Array<string>(10).fill("BAD_USER_INPUT"),
    ...Array<string>(2).fill("TOO_MANY_REQUESTS"),
  ]);
});

it("an address that was known of an account is not known of who has its name afterwards", async () => {
  const [thief, bob] = ["203.0.113.20", "203.0.113.21"];
  const changed = await accountOf(gateway, "carol", thief);
  expect((await signInFrom(gateway, thief, "carol", password)).code).toBe("OK");
  expect((await signInFrom(gateway, thief, "carol", password)).code).toBe("OK");
  const renamed = { username: "caroline", email: "caroline@example.com" };
  const input = { ...renamed, currentPassword: password };
  expect((await sendFrom(gateway, thief, updateDocument, { input }, changed.token)).code).toBe("OK");
  await accountOf(gateway, "carol", bob);
  const accountCounts = async () => (await counts(gateway)).filter(({ kind }) => kind === "account").length;
  const before = await accountCounts();
  expect((await signInFrom(gateway, thief, "carol")).code).toBe("BAD_USER_INPUT");
  expect(await accountCounts()).toBe(before + 1);
});
