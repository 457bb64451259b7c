import { afterAll, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { fileURLToPath } from "node:url";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { killAll, post, serve } from "./support/gateway-process.ts";
import { until } from "./support/until.ts";

const shiftedClock = fileURLToPath(new URL("support/shifted-clock.js", import.meta.url));
const input = `{ email: "ada@example.com", username: "ada", password: "correct horse battery" }`;
afterAll(killAll);

async function serveWithClock(shift: number, environment: Record<string, string> = {}) {
  const databaseUrl = await createDatabase();
  const gateway = await serve({
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
    NODE_OPTIONS: `--import=${shiftedClock}`,
    CLOCK_SHIFT: String(shift),
    ...environment,
  });
  return {
    ...gateway,
    readiness: async () => {
      const answer = await fetch(`${gateway.url}/health/ready`);
      const { reason } = (await answer.json()) as { reason?: string };
      return { status: answer.status, reason };
    },
    async close() {
      gateway.child.kill("SIGTERM");
      await gateway.exit;
      await dropDatabase(databaseUrl);
    },
  };
}

const signUp = async (url: string): Promise<string> => {
  const { data } = await post(url, `mutation { register(input: ${input}) { token } }`);
  return data.register.token as string;
};
const refresh = async (url: string) => {
  const login = `mutation { login(input: { username: "ada", password: "correct horse battery" }) { token refreshToken } }`;
  const { data } = await post(url, login);
  return post(
    url,
    `mutation { refreshToken(refreshToken: "${data.login.refreshToken}") { token expiresAt } }`,
  );
};

describe.each([
  [
    "an hour ahead",
    3_600_000,
    /^the clock of this machine is 3600\.\d s ahead of the database's: set it, best by NTP$/,
  ],
  [
    "two days behind",
    -172_800_000,
    /^the clock of this machine is 17\d{4}\.\d s behind the database's: set it, best by NTP$/,
  ],
])("a gateway whose clock is %s", (_how, shift, reason) => {
  it("accepts its own tokens, is not ready and says why, until the clock is right, and again when it jumps", async () => {
    const gateway = await serveWithClock(shift);
    const token = await signUp(gateway.url);
    const me = () => post(gateway.url, "{ me { username } }", `Token ${token}`);
    expect(await me()).toEqual({ data: { me: { username: "ada" } } });
    expect(Math.abs(decodeJwt(token).iat! - Date.now() / 1000)).toBeLessThan(60);
    const { data } = await refresh(gateway.url);
    expect(Math.abs(Date.parse(data.refreshToken.expiresAt) - Date.now() - 900_000)).toBeLessThan(60_000);
    const verified = await fetch(`${gateway.url}/auth/verify?token=true`, {
      headers: { authorization: `Token ${token}` },
    });
    expect(verified.status).toBe(200);
    const shortToken = verified.headers.get("authorization")!.split(" ")[1]!;
    expect(Math.abs(decodeJwt(shortToken).iat! - Date.now() / 1000)).toBeLessThan(60);
    expect(await gateway.readiness()).toEqual({ status: 503, reason: expect.stringMatching(reason) });

    gateway.child.kill("SIGUSR2");
    await until(async () => (await gateway.readiness()).status === 200);
    expect(await me()).toEqual({ data: { me: { username: "ada" } } });
    await until(() => gateway.output.stdout.includes("the clock of this machine is right again"));
    gateway.child.kill("SIGUSR2");
    await until(async () => (await gateway.readiness()).status === 503);
    expect(await me()).toEqual({ data: { me: { username: "ada" } } });
    const told = () =>
      gateway.output.stdout.split("\n").filter((line) => line.includes("; not ready until then"));
    await until(() => told().length === 2);
    await gateway.close();
  });
});

it("a gateway whose clock is a few seconds off is ready", async () => {
  const gateway = await serveWithClock(3_000);
  const token = await signUp(gateway.url);
  expect(decodeJwt(token).exp! - decodeJwt(token).iat!).toBe(900);
  expect(await gateway.readiness()).toEqual({ status: 200, reason: undefined });
  await gateway.close();
});
