import { afterAll, afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeProtectedHeader } from "jose";
import { createDatabase, dropDatabase, query } from "./support/database.ts";
import { gatehouse, killAll, post, serve } from "./support/gateway-process.ts";
import { until } from "./support/until.ts";

type Replica = Awaited<ReturnType<typeof serve>>;

let environment: Record<
  "DATABASE_URL" | "ENCRYPTION_KEY" | "KEY_PUBLISH_AHEAD" | "MAX_SESSIONS_PER_USER",
  string
>;
let replicas: Replica[];
beforeEach(async () => {
  environment = {
    DATABASE_URL: await createDatabase(),
    ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
    KEY_PUBLISH_AHEAD: "2s",
    // The load is all of one user.
    MAX_SESSIONS_PER_USER: "10000",
  };
  replicas = await Promise.all([serve(environment), serve(environment)]);
  await post(
    first().url,
    `mutation { register(input: { email: "ada@example.com", username: "ada", password: "correct horse" }) { token } }`,
  );
});
afterEach(async () => {
  await killAll();
  await dropDatabase(environment.DATABASE_URL);
});
afterAll(killAll);

const first = () => replicas[0] as Replica;
const second = () => replicas[1] as Replica;
const keys = (...args: string[]) => gatehouse(["keys", ...args], environment).exit;
const signIn = async ({ url }: Replica) => {
  const answer = await post(
    url,
    `mutation { login(input: { username: "ada", password: "correct horse" }) { token refreshToken } }`,
  );
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data.login as { token: string; refreshToken: string };
};
const kidOf = ({ token }: { token: string }) => decodeProtectedHeader(token).kid ?? "";
const publishedBy = async ({ url }: Replica) => {
  const answer = await fetch(`${url}/.well-known/jwks.json`);
  return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
};
const me = ({ url }: Replica, token: string) => post(url, "{ me { username } }", `Token ${token}`);

describe("a rotation on two replicas", () => {
  it("fails no request under load", async () => {
    const before = await signIn(first());
    const kids = new Set<string>();
    const stop = new AbortController();
    let requests = 0;
    /** Signs in here, is known there, refreshes there, is known here; over and over. */
    const client = async (here: Replica, there: Replica) => {
      while (!stop.signal.aborted) {
        const { token, refreshToken } = await signIn(here);
        expect(await me(there, token)).toEqual({ data: { me: { username: "ada" } } });
        const refresh = `mutation { refreshToken(refreshToken: "${refreshToken}") { token } }`;
        const { data, errors } = await post(there.url, refresh);
        expect(errors).toBeUndefined();
        expect(await me(here, data.refreshToken.token)).toEqual({ data: { me: { username: "ada" } } });
        for (const signed of [token, data.refreshToken.token]) kids.add(kidOf({ token: signed }));
        requests += 4;
      }
    };
    const load = Promise.all([client(first(), second()), client(second(), first())]);
    const rotated = await keys("rotate");
    expect(rotated).toMatchObject({ code: 0, stderr: "" });
    const [, next = "", from] = /^(\S+) signs from (\S+)\n$/.exec(rotated.stdout) ?? [];
    expect(Date.parse(from ?? "")).not.toBeNaN();
    expect(kids).not.toContain(next);
    await until(() => kids.has(next));
    // Both have gone over to it once both have signed with it.
    for (const replica of replicas) await until(async () => kidOf(await signIn(replica)) === next);
    stop.abort();
    await load;
    expect(kids).toEqual(new Set([kidOf(before), next]));
    expect(requests).toBeGreaterThan(8);
    for (const replica of replicas) {
      expect(await publishedBy(replica)).toEqual([kidOf(before), next]);
      expect(await me(replica, before.token)).toEqual({ data: { me: { username: "ada" } } });
    }
  });

  it("goes on when the replica that began it is killed", async () => {
    const before = kidOf(await signIn(second()));
    const rotation = gatehouse(["serve"], { ...environment, PORT: "0", KEY_ROTATION: "3s" });
    // It publishes a successor, because for it the present key is due; then it dies.
    await until(async () => (await publishedBy(second())).length === 2);
    rotation.child.kill("SIGKILL");
    await rotation.exit;
    first().child.kill("SIGKILL");
    const next = (await publishedBy(second())).find((kid) => kid !== before);
    await until(async () => kidOf(await signIn(second())) === next);
  });

  it("survives being cut off at any moment", async () => {
    for (const patience of [0, 1, 2, 3]) {
      const cut = gatehouse(["keys", "rotate"], environment);
      // Each time it gets a little further: to the connection, the lock, the new key.
      const seen =
        "select from pg_stat_activity where application_name = 'gatehouse' and datname = current_database()";
      const idle = (await query(environment.DATABASE_URL, seen)).length;
      for (let turn = 0; turn <= patience; turn++)
        await until(
          async () =>
            cut.child.exitCode !== null || (await query(environment.DATABASE_URL, seen)).length !== idle,
        );
      cut.child.kill("SIGKILL");
      await cut.exit;
      expect(await me(first(), (await signIn(second())).token)).toEqual({
        data: { me: { username: "ada" } },
      });
    }
    expect((await keys("rotate")).code).toBe(0);
    expect((await publishedBy(first())).length).toBeLessThanOrEqual(6);
  });
});

describe("gatehouse keys", () => {
  it("lists, rotates and retires, and running gateways follow", async () => {
    const kid = kidOf(await signIn(first()));
    const listed = await keys("list");
    expect(listed.stdout).toMatch(new RegExp(`^${kid}  ES256  signing    from \\S+Z\n$`));

    const [next = ""] = (await keys("rotate")).stdout.split(" ");
    const both = (await keys("list")).stdout.split("\n");
    expect(both).toEqual([
      expect.stringMatching(new RegExp(`^${next}  ES256  (next|signing)    *from \\S+Z$`)),
      expect.stringMatching(new RegExp(`^${kid}  ES256  (signing|verifying)  *from \\S+Z$`)),
      "",
    ]);
    await until(async () => kidOf(await signIn(second())) === next);

    const { token } = await signIn(first());
    const retired = await keys("retire", next);
    expect(retired).toMatchObject({ code: 0, stderr: "" });
    expect(retired.stdout.split("\n")[0]).toBe(`${next} is retired`);
    await until(async () => !(await publishedBy(first())).includes(next));
    expect((await me(first(), token)).errors?.[0].extensions.reason).toBe("TOKEN_INVALID");

    const unknown = await keys("retire", "nothing");
    expect(unknown).toMatchObject({
      code: 1,
      stderr: "gatehouse: No published key has the kid nothing: see `node bin/gatehouse.js keys list`.\n",
    });
    const shared = await gatehouse(["keys", "list"], {
      ...environment,
      JWT_ALGORITHM: "HS256",
      JWT_SECRET: "a secret of thirty-two bytes or more",
    }).exit;
    expect(shared.stderr).toBe(
      "gatehouse: JWT_ALGORITHM=HS256 signs with JWT_SECRET alone: change that one to sign everybody out.\n",
    );
  });
});
