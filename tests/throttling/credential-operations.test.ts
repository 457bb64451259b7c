import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { accountOf, counts, password, sendFrom, throttled } from "../support/throttled.ts";

const from = "192.0.2.1";
const beyond = {
  code: "BAD_REQUEST",
  message:
    "The request exceeds the limit of 1 on operations with a password or a refresh token. Send them one by one.",
  status: 400,
};

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ ...throttled, RATE_LIMIT_REGISTER: "1000/1h" });
  ({ token } = await accountOf(gateway, "ada", from));
  await gateway.sql("truncate attempts");
});
afterAll(() => gateway.close());

const login = `login(input: { username: "ada", password: "${password}" }) { token }`;
const register = `register(input: { email: "b@example.com", username: "b", password: "${password}" }) { token }`;
const refresh = 'refreshToken(refreshToken: "x") { token }';
const update = (input: string) => `updateUser(input: { ${input} }) { user { bio } session { token } }`;

describe("of a request that has several, none runs", () => {
  it.each([
    ["aliases", `mutation { a: ${login} b: ${login} }`],
    [
      "a hundred",
      `mutation { ${Array.from({ length: 20 }, (_, index) => `a${index}: ${refresh}`).join(" ")} }`,
    ],
    ["kinds", `mutation { ${register} ${login} }`],
    ["another and a refresh", `mutation { ${register} ${refresh} }`],
    ["a fragment", `mutation { ${register} ...More } fragment More on Mutation { ${login} }`],
    [
      "fragments in fragments",
      `mutation { ...One } fragment One on Mutation { ...Two ${login} } fragment Two on Mutation { ... { ${register} } }`,
    ],
    ["a new password", `mutation { ${register} ${update('password: "another horse"')} }`],
    ["a password to check", `mutation { ${register} ${update('currentPassword: "another horse"')} }`],
    [
      "what is not skipped",
      `mutation { ${register} a: ${login.replace("{ token", "@skip(if: false) { token")} }`,
    ],
  ])("%s", async (_what, document) => {
    expect(await sendFrom(gateway, from, document, {}, token)).toMatchObject(beyond);
    expect(await gateway.sql("select username from users")).toEqual([{ username: "ada" }]);
    expect(await gateway.sql("select count(*)::int from sessions")).toEqual([{ count: 1 }]);
    expect(await counts(gateway)).toEqual([]);
  });

  it("by a variable", async () => {
    const document = `mutation ($input: UpdateUserInput!, $also: Boolean! = true) {
      ${register} @include(if: $also) updateUser(input: $input) { session { token } }
    }`.replace(") { token } @include(if: $also)", ") @include(if: $also) { token }");
    const variables = { input: { password: "another horse" } };
    expect(await sendFrom(gateway, from, document, variables, token)).toMatchObject(beyond);
    const { code, data } = await sendFrom(gateway, from, document, { ...variables, also: false }, token);
    expect(code).toBe("OK");
    ({ token } = data.updateUser.session);
  });
});

it("one runs beside whatever needs no password", async () => {
  const document = `mutation { ${login} a: ${update('bio: "one"')} b: ${update('bio: "two"')} logout { revokedSessions } }`;
  const back = await sendFrom(gateway, from, `mutation { ${update(`password: "${password}"`)} }`, {}, token);
  expect(back.code).toBe("OK");
  ({ token } = back.data.updateUser.session);
  const { data } = await sendFrom(gateway, from, document, {}, token);
  expect(data).toMatchObject({ a: { user: { bio: "one" } }, b: { user: { bio: "two" } } });
});

it("a field that is asked for twice is one", async () => {
  expect((await sendFrom(gateway, from, `mutation { ${login} ${login} }`)).code).toBe("OK");
});

it("MAX_CREDENTIAL_OPERATIONS says how many", async () => {
  const lenient = await startReplica(gateway, { ...throttled, MAX_CREDENTIAL_OPERATIONS: "2" });
  const send = (count: number) =>
    sendFrom(
      lenient,
      from,
      `mutation { ${Array.from({ length: count }, (_, index) => `a${index}: ${login}`).join(" ")} }`,
    );
  expect((await send(2)).code).toBe("OK");
  expect(await send(3)).toMatchObject({ ...beyond, message: expect.stringContaining("limit of 2") });
  await lenient.close();
});
