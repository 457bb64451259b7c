import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import { rawRequest } from "../support/raw-request.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ LOG_LEVEL: "trace" });
});
afterAll(() => gateway.close());

const ada = { email: "ada@example.com", username: "ada", password: "marked-password-7341" };
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }";
const login = (input: object) => gateway.graphql(loginDocument, { input });

it("an unknown account and a wrong password are answered alike (ASVS V6.3.8)", async () => {
  await register(gateway, ada);
  const answers = await Promise.all(
    [{ username: "ada" }, { username: "nobody" }, { email: ada.email }, { email: "nobody@example.com" }].map(
      async (name) => {
        const answer = await fetch(`${gateway.url}/graphql`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            query: loginDocument,
            variables: { input: { ...name, password: "another password" } },
          }),
        });
        const headers = Object.fromEntries([...answer.headers].filter(([header]) => header !== "date"));
        return JSON.stringify([answer.status, headers, await answer.text()]);
      },
    ),
  );
  expect(new Set(answers).size).toBe(1);
});

it("every sign-in is recorded, whether it succeeds or fails (ASVS V16.3.1)", async () => {
  await gateway.sql("truncate users cascade");
  const [newest] = await gateway.sql<{ last: number }>(
    "select coalesce(max(id), 0)::int as last from auth_events",
  );
  await register(gateway, ada);
  await login({ username: "ada", password: ada.password });
  await login({ email: ada.email, password: "wrong password" });
  await login({ username: "nobody", password: "wrong password" });
  const events = await gateway.sql(
    `select type, outcome, cause, e.user_id = u.id as of_user, ip from auth_events e left join users u on true
     where type in ('SIGNED_IN', 'SIGN_IN_FAILED') and e.id > $1 order by e.id`,
    [newest?.last],
  );
  expect(events).toEqual([
    { type: "SIGNED_IN", outcome: "success", cause: null, of_user: true, ip: "127.0.0.1" },
    { type: "SIGNED_IN", outcome: "success", cause: null, of_user: true, ip: "127.0.0.1" },
    { type: "SIGN_IN_FAILED", outcome: "failure", cause: "WRONG_PASSWORD", of_user: true, ip: "127.0.0.1" },
    expect.objectContaining({ type: "SIGN_IN_FAILED", outcome: "failure" }),
  ]);
});

it("no password and no token gets into the log, at any level (ASVS V16.2.5)", async () => {
  await gateway.sql("truncate users cascade");
  const registered = await register(gateway, ada);
  const { data } = await login({ username: "ada", password: ada.password });
  await login({ username: "ada", password: "marked-wrong-password-7341" });
  const { token, refreshToken } = data.login;
  const refresh = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token refreshToken } }";
  const renewed = (await gateway.graphql(refresh, { t: refreshToken })).data.refreshToken;
  await gateway.graphql(
    `mutation { updateUser(input: { password: "marked-new-password-7341", currentPassword: "${ada.password}" }) { user { id } } }`,
    {},
    `Token ${renewed.token}`,
  );
  await gateway.graphql("{ me { id } }", {}, `Token ${token}x`);
  await fetch(`${gateway.url}/auth/verify?token=true`, { headers: { authorization: `Bearer ${token}` } });
  await gateway.sql("alter table users add constraint broken check (bio is null)");
  await gateway.graphql(
    'mutation { updateUser(input: { bio: "x", password: "marked-other-password-7341" }) { user { id } } }',
    {},
    `Token ${renewed.token}`,
  );
  await gateway.sql("alter table users drop constraint broken");
  await gateway.graphql("mutation { logout(scope: ALL) { revokedSessions } }", {}, `Token ${renewed.token}`);

  const log = gateway.log.join("");
  expect(gateway.log.length).toBeGreaterThan(8);
  expect(log).not.toMatch(/marked-|argon2id\$/);
  for (const secret of [
    ...Object.values(registered),
    token,
    refreshToken,
    renewed.token,
    renewed.refreshToken,
  ])
    for (const part of secret.split(".").slice(1)) expect(log).not.toContain(part);
});

it("nothing that is sent begins a line of the log (ASVS V16.4.1)", async () => {
  const line = '{"level":60,"msg":"forged"}';
  const breaks = ["\n", "\r\n", "\r", "\u2028", "\u0085", "\v", "\x1b[2K\n"];
  const before = gateway.log.length;
  for (const [index, lineBreak] of breaks.entries()) {
    const forged = `${lineBreak}${line}${lineBreak}`;
    await login({ username: forged, password: forged });
    await gateway.graphql(registerDocument(index), {
      input: { ...ada, email: `${index}@b.co`, username: forged },
    });
    await gateway.graphql(`{ ${forged} }`);
    await fetch(`${gateway.url}/nothing${encodeURIComponent(forged)}`);
    await rawRequest(gateway.url, { body: { query: "{ me { id } }" }, authorization: `Token ${line}` });
  }
  const lines = gateway.log.slice(before);
  expect(lines.length).toBeGreaterThanOrEqual(5 * breaks.length);
  for (const written of lines) {
    for (const sign of ["\n", "\r", "\v", "\x1b"]) expect(written.trimEnd()).not.toContain(sign);
    expect(JSON.parse(written)).not.toMatchObject({ msg: "forged" });
  }
});

const registerDocument = (index: number) =>
  `mutation Sign${index}($input: RegisterInput!) { register(input: $input) { token } }`;
