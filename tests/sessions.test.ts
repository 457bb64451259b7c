import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import { createDatabase, dropDatabase, query } from "./support/database.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";

let gateway: Gateway;
beforeAll(async () => {
  // With a shared secret the tests can forge tokens.
  gateway = await startGateway({ JWT_ALGORITHM: "HS256" });
});
afterAll(() => gateway.close());

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
});

const me = (token: string) => gateway.graphql("{ me { username } }", {}, `Token ${token}`);
const refresh = (refreshToken: string) =>
  gateway.graphql(
    `mutation ($refreshToken: JWT!) {
      refreshToken(refreshToken: $refreshToken) { token refreshToken expiresAt refreshTokenExpiresAt user { username } }
    }`,
    { refreshToken },
  );
const login = async (): Promise<Tokens> => {
  const input = { username: "ada", password: ada.password };
  const { data } = await gateway.graphql(
    "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }",
    { input },
  );
  return data.login as Tokens;
};
const logout = (variables: object, token?: string) =>
  gateway.graphql(
    `mutation ($scope: LogoutScope! = CURRENT, $refreshToken: JWT) {
      logout(scope: $scope, refreshToken: $refreshToken) { revokedSessions }
    }`,
    variables,
    token && `Token ${token}`,
  );

type Claims = Record<string, unknown>;
const decode = (token: string) =>
  jwt.decode(token, { complete: true }) as unknown as { header: Claims; payload: Claims };
/** A token as the gateway signs it, but for some claims or the header. */
const forge = (token: string, claims: Claims, header: Claims = {}) => {
  const original = decode(token);
  return jwt.sign({ ...original.payload, ...claims }, gateway.jwtSecret, {
    header: { ...original.header, ...header } as never,
  });
};

/** A token whose signature is right for another header. */
const unsignedHeader = (token: string) => {
  const header = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt" })).toString("base64url");
  return token.replace(/^[^.]+/, header);
};

describe("tokens", () => {
  it("carry what the design says, in seconds (ASVS V9.2.4)", () => {
    const access = decode(tokens.token);
    expect(access.header).toEqual({ alg: "HS256", typ: "at+jwt" });
    const { iat } = access.payload as { iat: number };
    expect(access.payload).toEqual({
      sub: expect.any(String),
      sid: expect.any(String),
      jti: `${access.payload["sid"] as string}.0`,
      iat,
      exp: iat + 900,
      iss: "gatehouse",
      aud: "gatehouse",
    });
    const renewal = decode(tokens.refreshToken);
    expect(renewal.header).toEqual({ alg: "HS256", typ: "rt+jwt" });
    expect(renewal.payload).toMatchObject({
      sid: access.payload["sid"],
      gen: 0,
      exp: iat + 60 * 86_400,
      aud: "gatehouse/refresh",
    });
  });

  it("do not pass for each other (ASVS V9.2.2)", async () => {
    expect(reasonOf(await me(tokens.refreshToken))).toBe("TOKEN_INVALID");
    expect(reasonOf(await refresh(tokens.token))).toBe("TOKEN_INVALID");
  });

  it("are refused with the reason when they are expired, forged, of others or without a user (ASVS V7.2.1, V9.2.1, V9.2.3)", async () => {
    const past = Math.floor(Date.now() / 1000) - 1;
    expect(reasonOf(await me(forge(tokens.token, { exp: past })))).toBe("TOKEN_EXPIRED");
    expect(reasonOf(await refresh(forge(tokens.refreshToken, { exp: past })))).toBe("TOKEN_EXPIRED");
    const { payload } = decode(tokens.token);
    const stranger = "018f0000-0000-7000-8000-000000000000";
    for (const forged of [
      jwt.sign(payload, "another secret of more than 32 bytes...", {
        header: { alg: "HS256", typ: "at+jwt" },
      }),
      jwt.sign(payload, null as never, { algorithm: "none", header: { alg: "none", typ: "at+jwt" } }),
      jwt.sign(payload, gateway.jwtSecret.repeat(3), {
        algorithm: "HS512",
        header: { alg: "HS512", typ: "at+jwt" },
      }),
      forge(tokens.token, {}, { typ: "JWT" }),
      forge(tokens.token, { iss: "another" }),
      forge(tokens.token, { aud: "another" }),
      forge(tokens.token, { aud: "gatehouse/refresh" }),
      unsignedHeader(tokens.token),
      forge(tokens.token, { sub: "not a uuid" }),
      forge(tokens.token, { sid: "'; drop table users; --" }),
      forge(tokens.token, { sid: undefined }),
    ])
      expect(reasonOf(await me(forged))).toBe("TOKEN_INVALID");
    expect(reasonOf(await me(forge(tokens.token, { sub: stranger })))).toBe("USER_NOT_FOUND");
    expect(reasonOf(await me(forge(tokens.token, { sid: stranger })))).toBe("TOKEN_REVOKED");
    expect(reasonOf(await refresh(forge(tokens.refreshToken, { sub: stranger })))).toBe("USER_NOT_FOUND");
    expect(reasonOf(await refresh(forge(tokens.refreshToken, { gen: "0" })))).toBe("TOKEN_INVALID");
    expect(reasonOf(await refresh(forge(tokens.refreshToken, { aud: "gatehouse" })))).toBe("TOKEN_INVALID");
    expect(reasonOf(await refresh("garbage"))).toBe("TOKEN_INVALID");
  });

  it("that are bad block nothing public", async () => {
    const answer = await gateway.graphql(
      "mutation { logout { revokedSessions } __typename }",
      {},
      "Token garbage",
    );
    expect(reasonOf(answer)).toBe("TOKEN_INVALID");
    const input = { username: "ada", password: ada.password };
    const signIn = await gateway.graphql(
      "mutation ($input: LoginInput!) { login(input: $input) { token } }",
      { input },
      "Token garbage",
    );
    expect(signIn.errors).toBeUndefined();
    expect(
      (await gateway.graphql("{ __schema { queryType { name } } }", {}, "Token garbage")).errors,
    ).toBeUndefined();
  });

  it("of a deactivated or deleted user fail at once, also for a refresh (ASVS V7.4.2)", async () => {
    await gateway.sql("update users set is_active = false");
    expect(reasonOf(await me(tokens.token))).toBe("USER_DEACTIVATED");
    expect(reasonOf(await refresh(tokens.refreshToken))).toBe("USER_DEACTIVATED");
    expect(await gateway.sql("select refresh_generation from sessions")).toEqual([{ refresh_generation: 0 }]);
    await gateway.sql("delete from users");
    expect(reasonOf(await me(tokens.token))).toBe("USER_NOT_FOUND");
    expect(reasonOf(await refresh(tokens.refreshToken))).toBe("USER_NOT_FOUND");
  });

  it("work in a database that writes dates in another style", async () => {
    const databaseUrl = await createDatabase();
    await query(
      databaseUrl,
      `alter database ${new URL(databaseUrl).pathname.slice(1)} set datestyle = 'German'`,
    );
    const german = await startGateway({ DATABASE_URL: databaseUrl });
    const { token } = await register(german, ada);
    expect(
      (await german.graphql("{ me { birthDate createdAt } }", {}, `Token ${token}`)).errors,
    ).toBeUndefined();
    await german.close();
    await dropDatabase(databaseUrl);
  });

  it("of a session that has run out are expired", async () => {
    await gateway.sql("update sessions set expires_at = now()");
    expect(reasonOf(await me(tokens.token))).toBe("TOKEN_EXPIRED");
    expect(reasonOf(await refresh(tokens.refreshToken))).toBe("TOKEN_EXPIRED");
  });
});

describe("refreshToken", () => {
  it("answers with a new pair and lengthens the session", async () => {
    await gateway.sql("update sessions set expires_at = now() + interval '1 day'");
    const { data, errors } = await refresh(tokens.refreshToken);
    expect(errors).toBeUndefined();
    expect(data.refreshToken.user).toEqual({ username: "ada" });
    expect(decode(data.refreshToken.refreshToken).payload).toMatchObject({ gen: 1 });
    expect(data.refreshToken.token).not.toBe(tokens.token);
    expect((await me(data.refreshToken.token)).data.me).toEqual({ username: "ada" });
    expect(
      await gateway.sql(
        "select refresh_generation, expires_at > now() + interval '59 days' as longer from sessions",
      ),
    ).toEqual([{ refresh_generation: 1, longer: true }]);
  });

  it("gives 50 that come at once the same pair, and the generation grows by one (ASVS V15.4.2)", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(tokens.refreshToken)));
    expect(answers.filter(({ errors }) => errors)).toEqual([]);
    expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(await gateway.sql("select refresh_generation, revoked_at from sessions")).toEqual([
      { refresh_generation: 1, revoked_at: null },
    ]);
  });

  it("takes the token before within the grace time, and changes nothing", async () => {
    const first = await refresh(tokens.refreshToken);
    const again = await refresh(tokens.refreshToken);
    expect(again.data).toEqual(first.data);
    expect(await gateway.sql("select refresh_generation from sessions")).toEqual([{ refresh_generation: 1 }]);
  });

  // More of it in refresh-generations.test.ts.
  it.each([
    ["the one before, whose answer was used", 1],
    ["one long replaced", 2],
  ])(
    "ends the session on reuse of a token after the grace time: %s (ASVS V10.4.5)",
    async (_what, refreshes) => {
      const other = await login();
      let present = tokens;
      for (let count = 0; count < refreshes; count++)
        present = (await refresh(present.refreshToken)).data.refreshToken;
      expect((await me(present.token)).errors).toBeUndefined();
      await gateway.sql("update sessions set rotated_at = rotated_at - interval '31 seconds'");
      expect(reasonOf(await refresh(tokens.refreshToken))).toBe("TOKEN_REVOKED");
      expect(reasonOf(await me(present.token))).toBe("TOKEN_REVOKED");
      expect(reasonOf(await refresh(present.refreshToken))).toBe("TOKEN_REVOKED");
      expect((await me(other.token)).errors).toBeUndefined();
      expect(await gateway.sql("select revoked_reason from sessions where revoked_at is not null")).toEqual([
        { revoked_reason: "refresh_token_reused" },
      ]);
    },
  );

  it("loses against a sign-out at the same time, or is signed out with it", async () => {
    const [answer, out] = await Promise.all([refresh(tokens.refreshToken), logout({}, tokens.token)]);
    expect(out.data.logout.revokedSessions).toBe(1);
    const newest = answer.errors ? tokens.token : answer.data.refreshToken.token;
    expect(reasonOf(await me(newest))).toBe("TOKEN_REVOKED");
  });

  it("says what is missing or of the wrong type, in one entry", async () => {
    const answer = await gateway.graphql("mutation { refreshToken { token } }");
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0].extensions).toEqual({
      code: "BAD_USER_INPUT",
      errors: { refreshToken: ["This field is required."] },
      errorCodes: { refreshToken: ["REQUIRED"] },
    });
    const typed = await gateway.graphql("mutation { refreshToken(refreshToken: 3) { token } }");
    expect(typed.errors?.[0].extensions.errors).toEqual({ refreshToken: ["Not a valid string."] });
  });
});

describe("logout", () => {
  it("ends the current session, and the access token fails on the very next request (ASVS V7.4.1)", async () => {
    const other = await login();
    expect((await logout({}, tokens.token)).data).toEqual({ logout: { revokedSessions: 1 } });
    expect(reasonOf(await me(tokens.token))).toBe("TOKEN_REVOKED");
    expect(reasonOf(await refresh(tokens.refreshToken))).toBe("TOKEN_REVOKED");
    expect((await me(other.token)).errors).toBeUndefined();
  });

  it("can be repeated", async () => {
    const counts = await Promise.all(
      Array.from(
        { length: 10 },
        async () => (await logout({ scope: "ALL" }, tokens.token)).data.logout.revokedSessions,
      ),
    );
    expect(counts.reduce((sum: number, count: number) => sum + count)).toBe(1);
    expect((await logout({}, tokens.token)).data).toEqual({ logout: { revokedSessions: 0 } });
  });

  it("ends the others, or all (ASVS V10.4.9)", async () => {
    const others = await Promise.all([login(), login(), login()]);
    const stranger = await register(gateway, { ...ada, email: "b@example.com", username: "b" });
    expect((await logout({ scope: "OTHERS" }, tokens.token)).data).toEqual({
      logout: { revokedSessions: 3 },
    });
    for (const { token } of others) expect(reasonOf(await me(token))).toBe("TOKEN_REVOKED");
    expect((await me(tokens.token)).errors).toBeUndefined();
    await login();
    expect((await logout({ scope: "ALL" }, tokens.token)).data).toEqual({ logout: { revokedSessions: 2 } });
    expect((await me(stranger.token)).errors).toBeUndefined();
  });

  it("works by the refresh token when the access token has expired or is not sent", async () => {
    const expired = forge(tokens.token, { exp: 1 });
    expect(reasonOf(await logout({}, expired))).toBe("TOKEN_EXPIRED");
    const { refreshToken } = tokens;
    expect((await logout({ refreshToken }, expired)).data).toEqual({ logout: { revokedSessions: 1 } });
    expect((await logout({ refreshToken })).data).toEqual({ logout: { revokedSessions: 0 } });
    expect(reasonOf(await logout({}))).toBe("TOKEN_MISSING");
  });

  it("ends nothing but its own session by a refresh token that was replaced long ago", async () => {
    await login();
    let present = tokens;
    for (let count = 0; count < 2; count++) present = (await refresh(present.refreshToken)).data.refreshToken;
    const { refreshToken } = tokens;
    expect((await logout({ scope: "OTHERS", refreshToken })).data).toEqual({
      logout: { revokedSessions: 0 },
    });
    expect((await logout({ scope: "ALL", refreshToken })).data).toEqual({ logout: { revokedSessions: 1 } });
    expect(reasonOf(await me(present.token))).toBe("TOKEN_REVOKED");
  });

  it("takes the token before the present one for more than its own session within the grace time only", async () => {
    await login();
    await refresh(tokens.refreshToken);
    const { refreshToken } = tokens;
    await gateway.sql("update sessions set rotated_at = rotated_at - interval '31 seconds'");
    expect((await logout({ scope: "ALL", refreshToken })).data).toEqual({ logout: { revokedSessions: 1 } });
    const next = await login();
    await refresh(next.refreshToken);
    const all = await logout({ scope: "ALL", refreshToken: next.refreshToken });
    expect(all.data).toEqual({ logout: { revokedSessions: 2 } });
  });

  it("goes by the refresh token when the session of the access token has ended", async () => {
    const newer = await login();
    await logout({}, tokens.token);
    expect((await logout({ refreshToken: newer.refreshToken }, tokens.token)).data).toEqual({
      logout: { revokedSessions: 1 },
    });
    expect(reasonOf(await me(newer.token))).toBe("TOKEN_REVOKED");
  });

  it("reports the faults of its arguments in their order", async () => {
    const { errors } = await gateway.graphql(
      'mutation { logout(refreshToken: 5, scope: "X") { revokedSessions } }',
    );
    expect(JSON.stringify(errors?.[0].extensions.errors)).toBe(
      '{"scope":["Not a valid choice."],"refreshToken":["Not a valid string."]}',
    );
  });

  it("lets a signed-out token end nothing more", async () => {
    await login();
    await logout({}, tokens.token);
    expect((await logout({ scope: "ALL" }, tokens.token)).data).toEqual({ logout: { revokedSessions: 0 } });
    expect(await gateway.sql("select count(*)::int from sessions where revoked_at is null")).toEqual([
      { count: 1 },
    ]);
  });

  it("takes a scope as literal or variable, and nothing else", async () => {
    for (const text of [
      'mutation { logout(scope: "ALL") { revokedSessions } }',
      "mutation { logout(scope: SOME) { revokedSessions } }",
    ]) {
      const { errors } = await gateway.graphql(text, {}, `Token ${tokens.token}`);
      expect(errors).toHaveLength(1);
      expect(errors?.[0].extensions).toEqual({
        code: "BAD_USER_INPUT",
        errors: { scope: ["Not a valid choice."] },
        errorCodes: { scope: ["CHOICE_INVALID"] },
      });
    }
    const { data } = await gateway.graphql(
      "mutation { logout(scope: ALL) { revokedSessions } }",
      {},
      `bearer ${tokens.token}`,
    );
    expect(data).toEqual({ logout: { revokedSessions: 1 } });
  });
});
