import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { gatehouse, killAll } from "../support/gateway-process.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import type { Tokens } from "../support/operations.ts";
import { until } from "../support/until.ts";

/** Moves the cursor, takes the line back, begins a line; a CSI of one character, a separator, and text that turns round. */
const hostile = "ev\u001b[2K\u001b]0;x\u0007il\r\nFORGED \u009b31m\u2028\u202e";

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
const found = async (...args: string[]): Promise<Record<string, unknown>[]> => {
  const { code, stdout, stderr } = await run("--json", ...args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));
};
const typesOf = (events: Record<string, unknown>[]) => events.map(({ type }) => type);

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

  it("lets nothing that somebody made up reach the terminal, in words or as JSON", async () => {
    for (const format of [[], ["--json"]]) {
      const { stdout } = await run("--ip", "192.0.2.1", ...format);
      expect(stdout).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
      expect(stdout.match(/\n/g)).toHaveLength(1);
      expect(stdout).toContain("FORGED");
    }
    expect(await found("--ip", "192.0.2.1")).toEqual([expect.objectContaining({ userAgent: hostile })]);
  });

  it("filters", async () => {
    const { sid } = decodeJwt<{ sid: string }>(ada.token);
    const both = ["SIGNED_UP", "SIGNED_IN"];
    const cases: [string[], string[]][] = [
      [["--user", "ADA@EXAMPLE.COM", "--outcome", "success"], both],
      [["--user", userId, "--outcome", "failure"], ["SIGN_IN_FAILED"]],
      [["--session", sid], both],
      [["--type", "signed_up"], ["SIGNED_UP"]],
      [["--type", "KEY_ADDED"], ["KEY_ADDED"]],
      [["--user", "ada", "--since", "1h"], both],
      [["--user", "ada", "--until", "1h"], ["SIGN_IN_FAILED"]],
      [["--user", "ada", "--until", "2020-01-01"], []],
      [
        ["--user", "ada", "--limit", "2"],
        ["SIGNED_IN", "SIGN_IN_FAILED"],
      ],
      [["--user", "018f0000-0000-7000-8000-000000000000"], []],
    ];
    for (const [args, types] of cases) expect(typesOf(await found(...args))).toEqual(types);
  });

  it.each([
    [["--user", "eve"], /^gatehouse: No account has this id, email or username\.\n$/],
    [["--session", "x"], /takes a UUID/],
    [["--type", "SIGNED"], /takes one of SIGNED_UP, SIGNED_IN,/],
    [["--outcome", "maybe"], /takes one of success, failure/],
    [["--since", "yesterday"], /takes a time such as/],
    [["--limit", "0"], /takes a whole number from 1 to 10000/],
  ])("says what it takes: %j", async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });

  it("follows every replica, each event once, and ends with Ctrl-C", async () => {
    const follower = gatehouse(
      ["events", "--follow", "--json", "--limit", "1", "--type", "SIGNED_IN"],
      environment,
    );
    const lines = () => follower.output.stdout.split("\n").length - 1;
    await until(() => lines() === 1);
    // One that was begun before those that follow, and comes last.
    await gateway.app.orm.em.fork().transactional(async (em) => {
      await em.execute(
        "insert into auth_events (type, outcome, user_agent) values ('SIGNED_IN', 'success', 'late')",
      );
      for (const [index, at] of [gateway, other].entries())
        await register(at, {
          email: `u${index}@example.com`,
          username: `u${index}`,
          password: "correct horse battery",
        });
      await until(() => lines() === 3);
    });
    await until(() => lines() === 4);
    follower.child.kill("SIGINT");
    const { code, stdout, stderr } = await follower.exit;
    expect([code, stderr]).toEqual([0, ""]);
    const events = stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ username, userAgent }) => username ?? userAgent)).toEqual([
      "ada",
      "u0",
      "u1",
      "late",
    ]);
  });

  it("ends when its reader has enough", async () => {
    const follower = gatehouse(["events", "--follow"], environment);
    await until(() => follower.output.stdout !== "");
    follower.child.stdout?.destroy();
    await register(gateway, { email: "z@example.com", username: "z", password: "correct horse battery" });
    expect(await follower.exit).toMatchObject({ code: 0, stderr: "" });
  });

  it("has what operators do by commands, with their account on the machine", async () => {
    const made = gatehouse(["createsuperuser", "--email", "r@example.com", "--username", "root"], {
      ...environment,
      GATEHOUSE_SUPERUSER_PASSWORD: "correct horse battery",
    });
    expect((await made.exit).code).toBe(0);
    expect((await gatehouse(["keys", "rotate"], environment).exit).code).toBe(0);
    const [key] = await gateway.sql<{ kid: string }>("select kid from signing_keys where signs_from > now()");
    expect((await gatehouse(["keys", "retire", key?.kid ?? ""], environment).exit).code).toBe(0);
    await gatehouse(["shell"], environment).exit;
    const events = (await found("--since", "1h")).filter(({ actor }) => actor === "operator");
    const by = {
      actor: "operator",
      outcome: "success",
      ip: null,
      userAgent: expect.stringMatching(/^.+@.+$/),
    };
    expect(events).toEqual([
      expect.objectContaining({ ...by, type: "SUPERUSER_CREATED", username: "root" }),
      expect.objectContaining({ ...by, type: "KEY_ADDED", keyId: key?.kid }),
      expect.objectContaining({ ...by, type: "KEY_RETIRED", keyId: key?.kid }),
      expect.objectContaining({ ...by, type: "SHELL_OPENED" }),
    ]);
  });
});
