import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { gatehouse, killAll, post, serve } from "./support/gateway-process.ts";
import { hashChildrenOf, isHashChild } from "./support/hash-children.ts";
import { until } from "./support/until.ts";

const login = 'mutation { login(input: { username: "ada", password: "correct horse battery" }) { token } }';

let settings: Record<string, string>;

beforeAll(async () => {
  settings = {
    DATABASE_URL: await createDatabase(),
    ENCRYPTION_KEY: randomBytes(32).toString("base64url"),
    // What they are in production.
    ARGON2_MEMORY: "19456",
    ARGON2_TIME: "2",
    HASH_CONCURRENCY: "2",
  };
});

afterAll(async () => {
  await killAll();
  await dropDatabase(settings["DATABASE_URL"] ?? "");
});

/** A gateway at work: two sign-ins are under way, and as each begins a process, both are known to have come in. */
async function signingIn() {
  const gateway = await serve(settings);
  const { pid = 0 } = gateway.child;
  expect(hashChildrenOf(pid)).toEqual([]);
  const answers = Array.from({ length: 2 }, () => post(gateway.url, login).catch(() => undefined));
  await until(() => hashChildrenOf(pid).length === 2);
  return { gateway, answers, children: hashChildrenOf(pid) };
}

describe("the processes that hash for a gateway", () => {
  it("begin with the first sign-ins, and are gone when it was killed", async () => {
    const { gateway, answers, children } = await signingIn();
    gateway.child.kill("SIGKILL");
    await gateway.exit;
    await Promise.all(answers);
    await until(() => !children.some((pid) => isHashChild(pid)));
  });

  it("finish what is in flight when all of them are told to stop, and are gone after that", async () => {
    const { gateway, answers, children } = await signingIn();
    for (const pid of [...children, gateway.child.pid ?? 0]) process.kill(pid, "SIGTERM");
    const codes = (await Promise.all(answers)).flatMap((answer) => answer?.errors?.[0].extensions.code ?? []);
    expect(codes).toEqual(["BAD_USER_INPUT", "BAD_USER_INPUT"]);
    expect((await gateway.exit).code).toBe(0);
    await until(() => !children.some((pid) => isHashChild(pid)));
  });

  it("keep no command from ending", async () => {
    const options = ["createsuperuser", "--email", "root@example.com", "--username", "root"];
    const command = gatehouse(options, {
      ...settings,
      GATEHOUSE_SUPERUSER_PASSWORD: "correct horse battery",
    });
    const exit = { code: 0, stdout: "made the superuser root\n", stderr: "" };
    expect(await command.exit).toMatchObject(exit);
  });
});
