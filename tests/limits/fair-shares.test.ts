import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Client } from "pg";
import { query } from "../support/database.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { accountOf, password, registerDocument, sendFrom, signInFrom } from "../support/throttled.ts";
import { until } from "../support/until.ts";

describe("signing in while one account at one address signs in 150 at a time, with its right password", () => {
  const home = "192.0.2.1";
  const codes: string[] = [];
  let gateway: Gateway;
  const state = { flooding: true };
  let flood: Promise<void[]>;
  beforeAll(async () => {
    gateway = await startGateway({
      TRUST_PROXY: "1",
      HASH_CONCURRENCY: "2",
      // What takes a process of its own, so that there is a queue.
      ARGON2_MEMORY: "8192",
    });
    for (const name of ["ada", "bob", "eve"]) await accountOf(gateway, name, home);
    const signInAgainAndAgain = async () => {
      while (state.flooding) codes.push((await signInFrom(gateway, home, "ada", password)).code);
    };
    flood = Promise.all(Array.from({ length: 150 }, signInAgainAndAgain));
    await until(() => codes.includes("SERVICE_UNAVAILABLE"));
  });
  afterAll(async () => {
    state.flooding = false;
    await flood;
    await gateway.close();
  });

  it.each<[string, (index: number) => [address: string, name: string]]>([
    ["from another address to another account", (index) => [`198.51.100.${index}`, "bob"]],
    ["from another address to the same account, by its owner", (index) => [`198.51.100.${index}`, "ada"]],
    ["from the same address to another account", () => [home, "eve"]],
    ["from IPv6", (index) => [`2001:db8:1:${index}::1`, "bob@example.com"]],
  ])("succeeds every time %s", async (_what, caller) => {
    for (let index = 0; index < 10; index++) {
      const outcome = await signInFrom(gateway, ...caller(index), password);
      expect([index, outcome.code]).toEqual([index, "OK"]);
    }
  });

  it("succeeds for a name that nobody has as for one that somebody has: the wrong password is found out", async () => {
    for (const name of ["nobody", "bob"])
      expect((await signInFrom(gateway, "203.0.113.1", name)).code).toBe("BAD_USER_INPUT");
  });

  it("lets a newcomer register", async () => {
    await accountOf(gateway, "newcomer", "203.0.113.2");
  });

  it("refuses the surplus of the account alone, however its name is written", async () => {
    expect(new Set(codes)).toEqual(new Set(["OK", "SERVICE_UNAVAILABLE"]));
    await until(async () => {
      const shouted = Array.from({ length: 20 }, () => signInFrom(gateway, home, "ADA", password));
      return (await Promise.all(shouted)).some(({ code }) => code === "SERVICE_UNAVAILABLE");
    });
  });
});

describe("the connections to the database", () => {
  it("are given in turn: one request waits for few of the hundred that another address has sent before", async () => {
    const gateway = await startGateway({ TRUST_PROXY: "1" });
    const blocker = new Client({ connectionString: gateway.databaseUrl });
    await blocker.connect();
    try {
      await accountOf(gateway, "ada", "192.0.2.1");
      await blocker.query("begin; lock table users in access exclusive mode");
      const answered: string[] = [];
      // The names are looked up before anything is hashed.
      const ask = async (address: string) => {
        const input = { email: "other@example.com", username: "ada", password };
        const { code } = await sendFrom(gateway, address, registerDocument, { input });
        answered.push(`${address} ${code}`);
      };
      const all = Array.from({ length: 100 }, () => ask("192.0.2.1"));
      const waiting = `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and application_name = 'gatehouse'`;
      // From another connection: within a transaction the view does not change.
      await until(async () => (await query(gateway.databaseUrl, waiting)).length === 20);
      all.push(ask("192.0.2.2"));
      // By then it has come, too.
      for (let count = 0; count < 5; count++) await fetch(`${gateway.url}/health/live`);
      await blocker.query("commit");
      await Promise.all(all);
      expect(new Set(answered)).toEqual(new Set(["192.0.2.1 BAD_USER_INPUT", "192.0.2.2 BAD_USER_INPUT"]));
      expect(answered.indexOf("192.0.2.2 BAD_USER_INPUT")).toBeLessThan(50);
    } finally {
      await blocker.end();
      await gateway.close();
    }
  });
});

/** How many of the attempts of many /64 were let through. */
const countAllowed = async (attempt: (address: string, index: number) => Promise<{ code: string }>) => {
  let allowed = 0;
  for (let index = 0; index < 30; index++) {
    const { code } = await attempt(`2001:db8:7:${index.toString(16)}::1`, index);
    if (code !== "TOO_MANY_REQUESTS") allowed += 1;
  }
  return allowed;
};

describe("attempts from one /48 of IPv6", () => {
  const limits = { TRUST_PROXY: "1", RATE_LIMIT: "on", MAX_CREDENTIAL_OPERATIONS: "1" };
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ ...limits, RATE_LIMIT_ADDRESS: "2/1h", RATE_LIMIT_REGISTER: "1/1h" });
  });
  afterAll(() => gateway.close());

  it("are counted together: ten times as many wrong passwords as from one address", async () => {
    expect(await countAllowed((from, index) => signInFrom(gateway, from, `nobody${index}`))).toBe(20);
    expect((await signInFrom(gateway, "2001:db8:8::1", "nobody")).code).toBe("BAD_USER_INPUT");
    expect((await signInFrom(gateway, "192.0.2.1", "nobody")).code).toBe("BAD_USER_INPUT");
  });

  it("are counted together: registrations", async () => {
    const allowed = await countAllowed((from, index) => {
      const input = { email: `a${index}@example.com`, username: `a${index}`, password };
      return sendFrom(gateway, from, registerDocument, { input });
    });
    expect(allowed).toBe(10);
  });

  it("are counted together: made-up refresh tokens", async () => {
    const document = "mutation ($old: JWT!) { refreshToken(refreshToken: $old) { token } }";
    expect(
      await countAllowed((from, index) => sendFrom(gateway, from, document, { old: `x.${index}.z` })),
    ).toBe(20);
  });

  it("by one of its addresses do not use up what the others have", async () => {
    for (let count = 0; count < 40; count++) await signInFrom(gateway, "2001:db8:9:1::1", `nobody${count}`);
    expect((await signInFrom(gateway, "2001:db8:9:2::1", "nobody")).code).toBe("BAD_USER_INPUT");
  });
});
