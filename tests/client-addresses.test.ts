import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { loadConfig } from "../src/config/config.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { accountOf, password, sendFrom, signInFrom, throttled } from "./support/throttled.ts";

/** Of the newest request in the log. */
const loggedAddress = ({ log }: Gateway): unknown =>
  log
    .map((line) => JSON.parse(line) as { msg?: string; ip?: string })
    .findLast(({ msg }) => msg === "request")?.ip;
const warnings = ({ log }: Gateway) => log.filter((line) => line.includes("X-Forwarded-For"));

const addressSeen = async (gateway: Gateway, headers: Record<string, string>) => {
  await fetch(`${gateway.url}/health/live`, { headers });
  return loggedAddress(gateway);
};

describe("X-Forwarded-For of a trusted proxy", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ ...throttled, RATE_LIMIT_PASSWORD: "3/15m" });
  });
  afterAll(() => gateway.close());

  it.each([
    ["203.0.113.8", "203.0.113.8"],
    ["203.0.113.8:54321", "203.0.113.8"],
    ["203.0.113.8:_port", "203.0.113.8"],
    ["  203.0.113.8:54321\t", "203.0.113.8"],
    ['"203.0.113.8:54321"', "203.0.113.8"],
    ["::ffff:203.0.113.8", "203.0.113.8"],
    ["::FFFF:cb00:7108", "203.0.113.8"],
    ["[::ffff:203.0.113.8]:443", "203.0.113.8"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ['"[2001:db8::1]:443"', "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["[fe80::1%25eth0]:443", "fe80::1"],
    ["198.51.100.1, 203.0.113.8", "203.0.113.8"],
    ["198.51.100.1,203.0.113.8:1", "203.0.113.8"],
    ["198.51.100.1, , 203.0.113.8 , ,", "203.0.113.8"],
  ])("%j is %s", async (header, address) => {
    expect(await addressSeen(gateway, { "x-forwarded-for": header })).toBe(address);
    expect(warnings(gateway)).toEqual([]);
  });

  it("counts one client, whatever its port, and no other", async () => {
    await accountOf(gateway, "ada", "192.0.2.1");
    const codes = [];
    for (let port = 50_000; port < 50_004; port++)
      codes.push((await signInFrom(gateway, `203.0.113.8:${port}`, "ada")).code);
    expect(codes).toEqual(["BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "TOO_MANY_REQUESTS"]);
    expect((await signInFrom(gateway, "203.0.113.9:50000", "ada", password)).code).toBe("OK");
    expect(await gateway.sql("select ip from sessions order by id")).toEqual([
      { ip: "192.0.2.1" },
      { ip: "203.0.113.9" },
    ]);
  });

  it("is the only header that counts", async () => {
    const forwarded = { forwarded: "for=198.51.100.1", "x-real-ip": "198.51.100.1" };
    expect(await addressSeen(gateway, forwarded)).toBe("127.0.0.1");
    expect(await addressSeen(gateway, { ...forwarded, "x-forwarded-for": "203.0.113.8" })).toBe(
      "203.0.113.8",
    );
  });

  it("counts what it does not tell as the proxy's own, and warns once", async () => {
    for (const header of [
      "unknown",
      "_hidden",
      "203.0.113.008",
      "203.0.113",
      "0xcb007108",
      "203.0.113.8:",
      "[2001:db8::1",
      '"203.0.113.8',
      "for=203.0.113.8",
      "203.0.113.8/32",
      "2001:db8::g",
      "x".repeat(5_000),
    ])
      expect(await addressSeen(gateway, { "x-forwarded-for": `203.0.113.8, ${header}` })).toBe("127.0.0.1");
    expect(warnings(gateway)).toHaveLength(1);
    expect(JSON.parse(warnings(gateway)[0] ?? "")).toMatchObject({ member: "unknown" });
    expect(warnings(gateway)[0]?.length).toBeLessThan(1_000);
  });
});

describe("TRUST_PROXY", () => {
  it.each([
    ["2", "203.0.113.8, unknown", "203.0.113.8"],
    ["2", "unknown, 10.0.0.1:80", "10.0.0.1"],
    ["127.0.0.1, 10.0.0.0/8", "6.6.6.6, 203.0.113.8, 10.0.0.1:8080", "203.0.113.8"],
    ["127.0.0.1, 10.0.0.0/8", "203.0.113.8, ::ffff:10.0.0.1", "203.0.113.8"],
    ["::ffff:127.0.0.1, ::ffff:10.0.0.0/104", "203.0.113.8, 10.0.0.1", "203.0.113.8"],
    ["127.0.0.1, 2001:db8::/32", "203.0.113.8, [2001:db8::1]:443", "203.0.113.8"],
    ["10.0.0.1", "203.0.113.8", "127.0.0.1"],
  ])("%s with %j is %s", async (trustProxy, header, address) => {
    const gateway = await startGateway({ TRUST_PROXY: trustProxy });
    expect(await addressSeen(gateway, { "x-forwarded-for": header })).toBe(address);
    await gateway.close();
  });

  it.each(["10.0.0.0/8/9", "::ffff:10.0.0.0/90", "010.0.0.1", "10.0.0.1:80", "[::1]"])(
    "refuses %s",
    (text) => {
      expect(() => loadConfig({ TRUST_PROXY: text })).toThrow(/TRUST_PROXY takes/);
    },
  );
});

describe("with HOST=::", () => {
  it("a client by IPv4 has its IPv4 address everywhere", async () => {
    const gateway = await startGateway({ HOST: "::" });
    const { port } = new URL(gateway.url);
    const byIpv4 = { ...gateway, url: `http://127.0.0.1:${port}` };
    const query = `mutation { register(input: { email: "a@b.co", username: "a", password: "a password" }) {
      token user { sessions(first: 1) { edges { node { ip } } } } } }`;
    const { data } = await sendFrom(byIpv4, "", query);
    expect(loggedAddress(gateway)).toBe("127.0.0.1");
    expect(data.register.user.sessions.edges).toEqual([{ node: { ip: "127.0.0.1" } }]);
    expect(
      await gateway.sql("select ip from sessions union select ip from auth_events where ip is not null"),
    ).toEqual([{ ip: "127.0.0.1" }]);
    await gateway.close();
  });
});
