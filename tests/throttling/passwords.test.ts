import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { accountOf, counts, password, signInFrom, throttled } from "../support/throttled.ts";
import type { Outcome } from "../support/throttled.ts";

const wrong = "A user with this email and password was not found.";
const home = "192.0.2.1";

let gateway: Gateway;
let replica: Gateway;
beforeAll(async () => {
  gateway = await startGateway(throttled);
  replica = await startReplica(gateway, throttled);
  await accountOf(gateway, "ada", home);
});
afterAll(async () => {
  await replica.close();
  await gateway.close();
});
beforeEach(() => gateway.sql("truncate attempts"));

/** Addresses that nobody else has, so that what one process remembers of a test is nothing to the next. */
let last = 0;
const stranger = () => `198.51.${100 + Math.floor(++last / 250)}.${1 + (last % 250)}`;
const times = <T>(count: number, act: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));
const messages = (outcomes: Outcome[]) => outcomes.filter(({ message }) => message === wrong).length;
const refused = (outcomes: Outcome[]) => outcomes.filter(({ code }) => code === "TOO_MANY_REQUESTS").length;

const countsAfterTwelve = async (name: string) => {
  await gateway.sql("truncate attempts");
  const from = stranger();
  for (let index = 0; index < 12; index++) await signInFrom(gateway, from, name);
  return (await counts(gateway)).map(({ kind, points }) => [kind, points]);
};
const secondsOf = async (kind: string) =>
  (await counts(gateway)).find((count) => count.kind === kind)?.seconds ?? 0;
/** Time passes by the hand of the test: the counts end, what is known of them stays. */
const letCountsEnd = () => gateway.sql("update attempts set expire = 1 where key not like '%strikes'");

/** Minutes until the end of a new count, after three wrong passwords. */
const minutes = async (from: string) => {
  await letCountsEnd();
  for (let index = 0; index < 3; index++) await signInFrom(gateway, from, "ada");
  return Math.round((await secondsOf("account-and-address")) / 60);
};

describe("wrong passwords from one address", () => {
  it("are answered ten times, however many come at once and on whichever replica (ASVS V2.4.1, V6.3.1)", async () => {
    const from = stranger();
    const outcomes = await times(200, (index) => signInFrom(index % 2 ? gateway : replica, from, "ada"));
    // A machine that is busy may say so, and gives back what it did not hash.
    const busy = outcomes.filter(({ code }) => code === "SERVICE_UNAVAILABLE").length;
    expect(messages(outcomes)).toBeLessThanOrEqual(10);
    expect(messages(outcomes) + busy).toBeGreaterThanOrEqual(10);
    expect(messages(outcomes) + busy + refused(outcomes)).toBe(200);
  });

  it.each(["grace", "nobody"])(
    "that are too many are in the record, once: %s (ASVS V16.3.1)",
    async (name) => {
      const known = name === "grace";
      if (known) await accountOf(gateway, name, home);
      const from = stranger();
      for (let index = 0; index < 13; index++) await signInFrom(gateway, from, name);
      const events = await gateway.sql(
        `select cause, user_id is not null as known, count(*)::int from auth_events where ip = $1 group by 1, 2 order by 1`,
        [from],
      );
      expect(events).toEqual([
        { cause: "TOO_MANY_ATTEMPTS", known, count: 1 },
        { cause: known ? "WRONG_PASSWORD" : "UNKNOWN_ACCOUNT", known, count: 10 },
      ]);
    },
  );

  it("are refused with the wait, in the error and in a header", async () => {
    const from = stranger();
    await times(10, () => signInFrom(gateway, from, "ada"));
    const { extensions, message, data, status, retryAfter } = await signInFrom(gateway, from, "ada");
    const wait = Number(retryAfter);
    expect({ extensions, message, data, status }).toEqual({
      extensions: { code: "TOO_MANY_REQUESTS", retryAfter: wait },
      message: `Request was throttled. Expected available in ${wait} seconds.`,
      data: null,
      status: 200,
    });
    expect(wait).toBeGreaterThan(800);
    expect(wait).toBeLessThanOrEqual(900);
    // Not even with the right one: whoever asks must not learn that it is.
    expect((await signInFrom(replica, from, "ada", password)).code).toBe("TOO_MANY_REQUESTS");
    // Others are not concerned.
    expect((await signInFrom(gateway, stranger(), "ada")).message).toBe(wrong);
    expect((await signInFrom(gateway, from, "somebody else")).message).toBe(wrong);
  });

  it.each([
    ["an account", "ada", ["ADA", "ada@example.com", "ADA@Example.COM", "ａｄａ"]],
    ["a name that nobody has", "nobody", ["NOBODY", "ｎｏｂｏｄｙ", "Nobody"]],
    ["an email that nobody has", "nobody@example.com", ["NOBODY@example.com", "nobody@EXAMPLE.com"]],
  ])("count for %s, whichever spelling it is asked for by", async (_what, name, spellings) => {
    const from = stranger();
    const all = [name, ...spellings];
    for (let index = 0; index < 10; index++)
      expect((await signInFrom(gateway, from, all[index % all.length] ?? "")).message).toBe(wrong);
    for (const spelling of all)
      expect((await signInFrom(gateway, from, spelling)).code).toBe("TOO_MANY_REQUESTS");
  });

  it("leave the same counts for who is there and who is not (ASVS V6.3.8)", async () => {
    const ofAda = await countsAfterTwelve("ada");
    expect(await countsAfterTwelve("nobody")).toEqual(ofAda);
    // Refused ones are not charged to the account, or one address could use it up for all.
    expect(ofAda).toEqual([
      ["account", 10],
      ["account-and-address", expect.any(Number)],
      ["address", 12],
    ]);
  });

  it("are a hundred an hour over all accounts (ASVS V2.4.1, V6.3.1)", async () => {
    const from = stranger();
    const outcomes: Outcome[] = [];
    // As many at a time as a busy machine hashes before it says that it is busy.
    for (let batch = 0; batch < 12; batch++)
      outcomes.push(
        ...(await times(10, (index) =>
          signInFrom(index % 2 ? gateway : replica, from, `u${batch}-${index}`),
        )),
      );
    expect([messages(outcomes), refused(outcomes)]).toEqual([100, 20]);
    const refusal = outcomes.find(({ code }) => code === "TOO_MANY_REQUESTS");
    expect(Number(refusal?.retryAfter)).toBeGreaterThan(3_000);
  });

  it.each([
    ["an IPv6 network", ["2001:db8:7::1", "2001:db8:7::ffff", "2001:db8:7:0:1:2:3:4"]],
    ["IPv4 in IPv6", ["198.18.0.9", "::ffff:198.18.0.9", "::ffff:c612:9"]],
  ])("count together: %s", async (_what, addresses) => {
    for (let index = 0; index < 10; index++)
      await signInFrom(gateway, addresses[index % addresses.length] ?? "", "ada");
    for (const address of addresses)
      expect((await signInFrom(gateway, address, "ada")).code).toBe("TOO_MANY_REQUESTS");
    expect((await signInFrom(gateway, "2001:db8:7:1::1", "ada")).message).toBe(wrong);
  });
});

describe("the right password", () => {
  it("costs nothing, however often it is given", async () => {
    const from = stranger();
    for (let index = 0; index < 12; index++)
      expect((await signInFrom(gateway, from, "ada", password)).code).toBe("OK");
    expect((await counts(gateway)).map(({ points }) => points)).toEqual([0, 0, 0]);
  });

  it("does not give back what wrong ones cost", async () => {
    const from = stranger();
    for (let index = 0; index < 9; index++) await signInFrom(gateway, from, "ada");
    expect((await signInFrom(gateway, from, "ada", password)).code).toBe("OK");
    await signInFrom(gateway, from, "ada");
    expect((await signInFrom(gateway, from, "ada")).code).toBe("TOO_MANY_REQUESTS");
  });

  it("is not lost to a queue that is full", async () => {
    const environment = { ...throttled, HASH_CONCURRENCY: "1", HASH_QUEUE: "0", ARGON2_MEMORY: "65536" };
    const busy = await startReplica(gateway, environment);
    try {
      const from = stranger();
      const outcomes = await times(10, () => signInFrom(busy, from, "nobody"));
      const hashed = messages(outcomes);
      expect(hashed).toBeLessThan(10);
      const points = (await counts(gateway)).map((count) => count.points);
      expect(points).toEqual([hashed, hashed, hashed]);
    } finally {
      await busy.close();
    }
  });
});

describe("the waits", () => {
  it("grow to twice as long each time, up to four hours, and shrink after a success (ASVS V6.3.1)", async () => {
    const from = stranger();
    const grown = [];
    for (let index = 0; index < 7; index++) grown.push(await minutes(from));
    expect(grown).toEqual([15, 30, 60, 120, 240, 240, 240]);
    await letCountsEnd();
    expect((await signInFrom(gateway, from, "ada", password)).code).toBe("OK");
    expect((await signInFrom(gateway, from, "ada", password)).code).toBe("OK");
    expect(await minutes(from)).toBe(120);
  });

  it("are forgotten a day after the last", async () => {
    const from = stranger();
    await minutes(from);
    await minutes(from);
    await gateway.sql("update attempts set expire = 1");
    expect(await minutes(from)).toBe(15);
  });

  it("do not grow where there is one wrong password now and then", async () => {
    const from = stranger();
    for (let index = 0; index < 5; index++) {
      await letCountsEnd();
      await signInFrom(gateway, from, "ada");
    }
    expect(await secondsOf("account-and-address")).toBeLessThanOrEqual(900);
  });
});

it("a restart forgets nothing", async () => {
  const from = stranger();
  await times(10, () => signInFrom(gateway, from, "ada"));
  const restarted = await startReplica(gateway, throttled);
  expect((await signInFrom(restarted, from, "ada", password)).code).toBe("TOO_MANY_REQUESTS");
  await restarted.close();
});

it("the table has no name and no address in the clear, and nobody can try one without the secret", async () => {
  await signInFrom(gateway, "203.0.113.77", "ada@example.com");
  await signInFrom(gateway, "203.0.113.77", "nobody@example.com");
  const rows = await gateway.sql<{ key: string }>("select key from attempts");
  expect(rows).toHaveLength(5);
  for (const { key } of rows) expect(key).toMatch(/^[a-z-]+:[\w-]{22}$/);
});
