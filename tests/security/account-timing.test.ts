import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { chanceOfLonger, timesOf } from "../support/time-comparison.ts";
import { encoded, takeApart, trueSigner } from "../support/token-forger.ts";

const rounds = 30;

/**
 * How far `chanceOfLonger` may be from 0.5. By chance it is within 0.075 two times out of three, for 30 against 30, and
 * 0.3 is four times that; where one of the two skips the hashing, hardly a time of theirs overlaps.
 */
const tolerance = 0.3;

const password = "correct horse battery";
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const registerDocument = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const refreshDocument = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }";
const djangos = "pbkdf2_sha256$40000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    ARGON2_MEMORY: "8192",
    ARGON2_TIME: "2",
    REGISTRATION_PRIVACY: "on",
    RATE_LIMIT: "off",
    LOG_LEVEL: "silent",
  });
  for (const username of ["ada", "bob", "django"])
    await registering({ email: `${username}@example.com`, username })();
  await gateway.sql("update users set is_active = false where username = 'bob'");
  await gateway.sql("update users set password_hash = $1 where username = 'django'", [djangos]);
});
afterAll(() => gateway.close());

const registering = (names: object) => () =>
  gateway.graphql(registerDocument, { input: { ...names, password } });
const signingIn =
  (names: object, given = "wrong password") =>
  () =>
    gateway.graphql(loginDocument, { input: { ...names, password: given } });

/** Everything takes as long as what comes first. */
async function expectAlike(attempts: Record<string, () => Promise<unknown>>): Promise<void> {
  const [first = [], ...others] = Object.entries(await timesOf(attempts, { rounds }));
  for (const [name, times] of others) {
    const chance = chanceOfLonger(times, first[1] as number[]);
    expect({ name, isAlike: Math.abs(chance - 0.5) < tolerance, chance }).toMatchObject({ isAlike: true });
  }
}

describe("how long an answer takes does not tell whether an account exists:", () => {
  it("login", () =>
    expectAlike({
      unknown: signingIn({ username: "nobody" }),
      "wrong password": signingIn({ username: "ada" }),
      deactivated: signingIn({ email: "bob@example.com" }),
      "a hash of Django": signingIn({ username: "django" }),
    }));

  it("register with REGISTRATION_PRIVACY", async () => {
    let count = 0;
    await expectAlike({
      free: () => registering({ email: `free${(count += 1)}@example.com`, username: `free${count}` })(),
      taken: registering({ email: "ada@example.com", username: "other" }),
    });
  });

  it("refreshToken", async () => {
    const { data } = await gateway.graphql(
      "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }",
      { input: { username: "ada", password } },
    );
    const original = takeApart(data.login.refreshToken as string, await trueSigner(gateway));
    const refreshing = (change: object) => {
      const claims = encoded(JSON.stringify({ ...original.claims, ...change }));
      const input = `${original.parts[0]}.${claims}`;
      return () => gateway.graphql(refreshDocument, { t: `${input}.${original.signed(input)}` });
    };
    await expectAlike({
      "unknown account": refreshing({ sub: randomUUID(), sid: randomUUID() }),
      "unknown session": refreshing({ sid: randomUUID() }),
    });
  });

  it("which this test could tell: a refusal before any hashing is far off", async () => {
    const { unknown, early } = await timesOf(
      {
        unknown: signingIn({ username: "nobody" }),
        early: signingIn({ username: "nobody" }, "x".repeat(129)),
      },
      { rounds },
    );
    expect(chanceOfLonger(unknown, early)).toBeGreaterThan(0.5 + tolerance);
  });
});
