import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { Client } from "pg";
import { ipAddress, moment, oneOf, uuid, wholeNumber } from "../../src/cli/option-values.ts";
import { newestEvents, userIdOf } from "../../src/events/event-search.ts";
import type { EventFilter } from "../../src/events/event-search.ts";
import { gatehouse, killAll } from "../support/gateway-process.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import type { Tokens } from "../support/operations.ts";
import { until } from "../support/until.ts";

/** Moves the cursor, takes the line back, begins a line; a CSI of one character, a separator, and text that turns round. */
const hostile = "ev\u001b[2K\u001b]0;x\u0007il\r\nFORGED \u009b31m\u2028\u202e";

/** Milliseconds that a process may need to start on a busy machine. */
const startTime = 60_000;

let gateway: Gateway;
let other: Gateway;
let ada: Tokens;
let userId: string;
let environment: Record<string, string>;
beforeAll(async () => {
  gateway = await startGateway();
  other = await startReplica(gateway);
  environment = { DATABASE_URL: gateway.databaseUrl, ENCRYPTION_KEY: gateway.jwtSecret };
  ada = await register(gateway, {
    email: "Ada@example.com",
    username: "ada",
    password: "correct horse battery",
  });
  userId = decodeJwt(ada.token).sub ?? "";
  await gateway.sql(
    `insert into auth_events (type, outcome, cause, user_id, ip, user_agent, occurred_at)
     values ('SIGN_IN_FAILED', 'failure', 'WRONG_PASSWORD', $1, '192.0.2.1', $2, now() - interval '3 hours')`,
    [userId, hostile],
  );
});
afterAll(async () => {
  await killAll();
  await other.close();
  await gateway.close();
});

const run = (...args: string[]) => gatehouse(["events", ...args], environment).exit;
const objectsIn = (stdout: string) =>
  stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));

describe("gatehouse events", () => {
  it("lists the newest last, in words", async () => {
    const { stdout } = await run("--user", "ada");
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    const who = `user=${userId}  name="ada"`;
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${time}  SIGNED_UP              success  ${who}  session=[0-9a-f-]{36}  ip=127.0.0.1  agent="node"$`,
        ),
      ),
      expect.stringMatching(new RegExp(`^${time}  SIGNED_IN              success  ${who}`)),
      expect.stringMatching(
        new RegExp(`^${time}  SIGN_IN_FAILED         failure  cause=WRONG_PASSWORD  ${who}  ip=192.0.2.1`),
      ),
      "",
    ]);
  });

  it("finds an address in any spelling of it", async () => {
    for (const ip of ["::ffff:192.0.2.1", "::FFFF:c000:201"]) {
      const { stdout } = await run("--ip", ip, "--json");
      expect(objectsIn(stdout)).toEqual([expect.objectContaining({ ip: "192.0.2.1" })]);
    }
    // As earlier versions recorded it.
    await gateway.sql(
      "insert into auth_events (type, outcome, ip) values ('SIGN_IN_FAILED', 'failure', '::ffff:192.0.2.77')",
    );
    expect(objectsIn((await run("--ip", "192.0.2.77", "--json")).stdout)).toHaveLength(1);
  });

  it("lets nothing that somebody made up reach the terminal, in words or as JSON", async () => {
    const exits = await Promise.all([run("--ip", "192.0.2.1"), run("--ip", "192.0.2.1", "--json")]);
    for (const { stdout } of exits) {
      expect(stdout).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
      expect(stdout.match(/\n/g)).toHaveLength(1);
      expect(stdout).toContain("FORGED");
    }
    expect(objectsIn(exits[1].stdout)).toEqual([expect.objectContaining({ userAgent: hostile })]);
  });

  it("filters", async () => {
    const em = gateway.app.orm.em.fork();
    const typesOf = async (filter: EventFilter, limit = 50) =>
      (await newestEvents(em, filter, limit)).map(({ type }) => type);
    const sessionId = decodeJwt<{ sid: string }>(ada.token).sid;
    const nobody = "018f0000-0000-7000-8000-000000000000";
    const cases: [EventFilter, string[]][] = [
      [{ userId: await userIdOf(em, "ADA@EXAMPLE.COM"), outcome: "success" }, ["SIGNED_UP", "SIGNED_IN"]],
      [{ userId: await userIdOf(em, userId.toUpperCase()), outcome: "failure" }, ["SIGN_IN_FAILED"]],
      [{ userId, since: moment("1h") }, ["SIGNED_UP", "SIGNED_IN"]],
      [{ userId, until: moment("1h") }, ["SIGN_IN_FAILED"]],
      [{ userId, until: moment("2020-01-01") }, []],
      [{ userId: await userIdOf(em, nobody) }, []],
      [{ sessionId }, ["SIGNED_UP", "SIGNED_IN"]],
      [{ type: "KEY_ADDED" }, ["KEY_ADDED"]],
      [{ ip: "192.0.2.1" }, ["SIGN_IN_FAILED"]],
      [{ ip: "192.0.2.2" }, []],
    ];
    for (const [filter, types] of cases) expect(await typesOf(filter)).toEqual(types);
    expect(await typesOf({ userId }, 2)).toEqual(["SIGNED_IN", "SIGN_IN_FAILED"]);
  });

  it("says what it takes", async () => {
    for (const [refused, message] of [
      [() => moment("yesterday"), /such as 2h/],
      [() => moment("0000-01-01"), /such as 2h/],
      [() => moment("999999d"), /such as 2h/],
      [() => uuid("x"), /a UUID/],
      [() => ipAddress("192.0.2"), /an IPv4 or IPv6 address/],
      [() => wholeNumber(10_000)("0"), /from 1 to 10000/],
      [() => oneOf(["SIGNED_UP", "SIGNED_IN"])("SIGNED"), /one of SIGNED_UP, SIGNED_IN/],
    ] as const)
      expect(refused).toThrow(message);
    const { code, stdout, stderr } = await run("--user", "eve");
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      "gatehouse: No account has this id, email or username.\n",
    ]);
  });

  it("follows every replica, each event once, over an outage, and ends with Ctrl-C", async () => {
    // One that was begun long before those that follow, and before anybody follows, and comes last.
    const late = new Client({ connectionString: gateway.databaseUrl });
    await late.connect();
    await late.query("begin");
    await late.query(
      `insert into auth_events (type, outcome, user_agent, occurred_at)
       values ('SIGNED_IN', 'success', 'late', now() - interval '1 hour')`,
    );
    await register(gateway, { email: "u0@example.com", username: "u0", password: "correct horse battery" });
    const follower = gatehouse(
      ["events", "--follow", "--json", "--limit", "1", "--type", "SIGNED_IN"],
      environment,
    );
    const lines = () => follower.output.stdout.split("\n").length - 1;
    await until(() => lines() === 1, startTime);
    await register(other, { email: "u1@example.com", username: "u1", password: "correct horse battery" });
    await until(() => lines() === 2);
    await late.query("commit");
    await late.end();
    await until(() => lines() === 3);
    await gateway.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    await gateway.sql(
      "insert into auth_events (type, outcome, user_agent) values ('SIGNED_IN', 'success', 'afterwards')",
    );
    await until(() => lines() === 4);
    follower.child.kill("SIGINT");
    const { code, stdout } = await follower.exit;
    expect(code).toBe(0);
    expect(objectsIn(stdout).map(({ username, userAgent }) => username ?? userAgent)).toEqual([
      "u0",
      "u1",
      "late",
      "afterwards",
    ]);
  }, 120_000);

  it("ends when its reader has enough", async () => {
    const follower = gatehouse(["events", "--follow"], environment);
    await until(() => follower.output.stdout !== "", startTime);
    follower.child.stdout?.destroy();
    await register(gateway, { email: "z@example.com", username: "z", password: "correct horse battery" });
    expect(await follower.exit).toMatchObject({ code: 0, stderr: "" });
  }, 120_000);

  it("has what operators do by commands, with their account on the machine", async () => {
    const [key] = await gateway.sql<{ kid: string }>("select kid from signing_keys");
    const exits = await Promise.all([
      gatehouse(["createsuperuser", "--email", "r@example.com", "--username", "root"], {
        ...environment,
        GATEHOUSE_SUPERUSER_PASSWORD: "correct horse battery",
      }).exit,
      gatehouse(["keys", "retire", key?.kid ?? ""], environment).exit,
      gatehouse(["shell"], environment).exit,
    ]);
    expect(exits.map(({ code }) => code)).toEqual([0, 0, 0]);
    const events = await newestEvents(gateway.app.orm.em.fork(), { since: moment("1h") }, 100);
    const operators = events.filter(({ actor }) => actor === "operator");
    const by = { outcome: "success", ip: null, userAgent: expect.stringMatching(/^.+@.+$/) };
    expect(operators.toSorted((a, b) => a.type.localeCompare(b.type))).toEqual([
      expect.objectContaining({ ...by, type: "KEY_ADDED", keyId: expect.any(String) }),
      expect.objectContaining({ ...by, type: "KEY_RETIRED", keyId: key?.kid }),
      expect.objectContaining({ type: "RIGHTS_CHANGED", cause: "NOW_SUPERUSER", username: "root" }),
      expect.objectContaining({ ...by, type: "SHELL_OPENED" }),
      expect.objectContaining({ ...by, type: "SUPERUSER_CREATED", username: "root" }),
    ]);
  }, 120_000);
});
