import { afterAll, beforeAll, beforeEach, expect, it, jest } from "@jest/globals";
import { Client } from "pg";
import { SignInLookup } from "../../src/accounts/sign-in-lookup.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { accountOf, counts, password, signInFrom, throttled } from "../support/throttled.ts";
import { until } from "../support/until.ts";

// A sign-in is charged to the account that the name meant the last time, before it is known whether it means it still.
let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ ...throttled, RATE_LIMIT_ADDRESS: "12/1h" });
  for (const [index, name] of ["ada", "bob"].entries()) await accountOf(gateway, name, `192.0.2.${index}`);
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await gateway.sql("truncate attempts");
  await gateway.sql("update users set username = id::text");
  await gateway.sql("update users set username = split_part(email, '@', 1)");
});

let last = 0;
const stranger = () => `198.51.100.${++last}`;
const points = async (kind: string) =>
  (await counts(gateway)).filter((count) => count.kind === kind).map((count) => count.points);
const letBobBeAda = async () => {
  await gateway.sql("update users set username = 'ada lovelace' where username = 'ada'");
  await gateway.sql("update users set username = 'ada' where username = 'bob'");
};

it("an account pays nothing for a name that another has by now, who pays for it", async () => {
  const from = stranger();
  await signInFrom(gateway, from, "ada");
  await letBobBeAda();
  for (let index = 0; index < 3; index++) await signInFrom(gateway, from, "ada");
  expect(await points("account")).toEqual([1, 3]);
  expect(await points("account-and-address")).toEqual([1, 3]);
  expect(await points("address")).toEqual([4]);
});

it("a name that nobody had is charged to its account once there is one", async () => {
  const from = stranger();
  await signInFrom(gateway, from, "carl");
  await accountOf(gateway, "carl", "192.0.2.9");
  await signInFrom(gateway, from, "carl@example.com");
  await signInFrom(gateway, from, "carl");
  expect(await points("account")).toEqual([1, 2]);
});

it("nobody is refused because of whom the name meant before", async () => {
  const from = stranger();
  await signInFrom(gateway, from, "ada");
  await gateway.sql("update attempts set points = 100 where key not like 'address:%'");
  await letBobBeAda();
  const { code, data } = await signInFrom(gateway, from, "ada", password);
  expect([code, data?.login.user.username]).toEqual(["OK", "ada"]);
  expect(Math.min(...(await points("account")))).toBe(0);
});

it("nobody pays for a sign-in whose account cannot be looked up", async () => {
  const from = stranger();
  await signInFrom(gateway, from, "bob");
  await gateway.sql("alter table auth_events rename to gone");
  const { code } = await signInFrom(gateway, from, "bob", password);
  await gateway.sql("alter table gone rename to auth_events");
  expect(code).toBe("INTERNAL_SERVER_ERROR");
  expect((await counts(gateway)).map((count) => count.points)).toEqual([1, 1, 1]);
});

it("an account does not pay for what its address was refused", async () => {
  const from = stranger();
  await signInFrom(gateway, from, "bob");
  for (let index = 0; index < 11; index++) await signInFrom(gateway, from, `nobody${index}`);
  expect((await signInFrom(gateway, from, "bob")).code).toBe("TOO_MANY_REQUESTS");
  expect(await points("account")).toEqual(Array(12).fill(1));
  expect(await points("account-and-address")).toEqual(Array(12).fill(1));
  expect(await points("address")).toEqual([13]);
});

it("a place is taken for one for ten minutes from when it was read, by look-ups in between too", async () => {
  await accountOf(gateway, "dora", "203.0.113.44");
  const lookup = new SignInLookup(gateway.app.orm.em);
  const dora = [{ username: "dora" }, "203.0.113.44"] as const;
  expect(await lookup.find(...dora)).toMatchObject({ isKnownPlace: true });
  const readAt = performance.now();
  const clock = jest.spyOn(performance, "now");
  const other = new Client({ connectionString: gateway.databaseUrl });
  await other.connect();
  await other.query("begin; lock table users in access exclusive mode");
  try {
    clock.mockReturnValue(readAt + 599_000);
    const late = lookup.find(...dora);
    expect(lookup.guess(...dora)).toMatchObject({ isKnownPlace: true });
    clock.mockReturnValue(readAt + 601_000);
    await until(() => lookup.guess(...dora) === undefined);
    clock.mockRestore();
    await other.query("rollback");
    expect(await late).toMatchObject({ isKnownPlace: true });
    expect(lookup.guess(...dora)).toBe(undefined);
  } finally {
    clock.mockRestore();
    await other.end();
  }
});
