import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import type { JwtPayload } from "jsonwebtoken";
import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ CORS_ORIGINS: "https://app.example.com", JWT_ALGORITHM: "HS256" });
});
afterAll(() => gateway.close());

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
let userId: string;
let sessionId: string;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
  ({ sub: userId, sid: sessionId } = decode(tokens.token) as unknown as { sub: string; sid: string });
});

const decode = (token: string) => jwt.decode(token) as JwtPayload;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  // Its shape is what the tests are about.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
}

/** Sends what fetch refuses to: TRACE, bodies with GET, a header twice. */
function send({ method = "GET", path = "/auth/verify", headers = {}, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Node frames the body of a DELETE only when told how long it is.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = request(
      `${gateway.url}${path}`,
      { method, headers: { ...length, ...headers } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: text && JSON.parse(text),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const verify = (token: string, path?: string) =>
  send({ headers: { authorization: `Bearer ${token}` }, ...(path && { path }) });
const identity = ({ headers }: Answer) => [
  headers["x-user-id"],
  headers["x-user-name"],
  headers["x-user-email"],
  headers["x-session-id"],
];

const freshToken = ({ headers }: Answer) => /^Bearer (\S+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
const hook = (body: unknown, type = "application/json") =>
  send({
    method: "POST",
    headers: { "content-type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

function expectRefused(answer: Answer, reason: string, message: string): void {
  expect([answer.status, answer.body]).toEqual([
    401,
    { errors: [{ message, extensions: { code: "UNAUTHENTICATED", reason } }] },
  ]);
  expect(answer.headers["www-authenticate"]).toBe(
    `Bearer realm="gatehouse"${reason === "TOKEN_MISSING" ? "" : `, error="invalid_token", error_description="${message}"`}`,
  );
  expect(identity(answer)).toEqual([undefined, undefined, undefined, undefined]);
  expect(answer.headers.authorization).toBeUndefined();
  expect(answer.headers["cache-control"]).toBe("no-store");
}

const missing = ["TOKEN_MISSING", "Authentication credentials were not provided."] as const;
const invalid = ["TOKEN_INVALID", "Invalid authentication. Could not decode token."] as const;

describe("/auth/verify", () => {
  it("says who is calling, in headers and in Hasura's session variables", async () => {
    for (const scheme of ["Token", "bearer"]) {
      const answer = await send({ headers: { authorization: `${scheme} ${tokens.token}` } });
      expect(answer.status).toBe(200);
      expect(identity(answer)).toEqual([userId, "ada", "ada@example.com", sessionId]);
      expect(answer.headers).toMatchObject({ "cache-control": "no-store" });
      expect(answer.headers.authorization).toBeUndefined();
      expect(answer.body).toEqual({
        "x-hasura-user-id": userId,
        "x-hasura-role": "user",
        "Cache-Control": expect.stringMatching(/^max-age=(89\d|900)$/),
      });
    }
    await gateway.sql("update users set is_staff = true");
    expect((await verify(tokens.token)).body).toMatchObject({ "x-hasura-role": "staff" });
  });

  it("refuses with the reason", async () => {
    expectRefused(await send({}), ...missing);
    for (const authorization of ["Basic YTpi", "Bearer", `Bearer ${tokens.token} x`])
      expectRefused(await send({ headers: { authorization } }), ...missing);
    for (const token of ["x", tokens.refreshToken, `${tokens.token}x`])
      expectRefused(await verify(token), ...invalid);
    const { exp: _exp, ...claims } = decode(tokens.token);
    const forge = (more: object) =>
      jwt.sign({ ...claims, ...more }, gateway.jwtSecret, { header: { alg: "HS256", typ: "at+jwt" } });
    expectRefused(await verify(forge({ exp: 1_700_000_000 })), "TOKEN_EXPIRED", "Token has expired.");
    expectRefused(await verify(forge({})), ...invalid);
  });

  it("refuses at once who has signed out, was deactivated or is gone, and at the end of the session", async () => {
    const { token } = await register(gateway, { ...ada, email: "b@example.com", username: "b" });
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${token}`);
    expectRefused(await verify(token), "TOKEN_REVOKED", "Token has been revoked.");

    await gateway.sql("update sessions set expires_at = now() where id = $1", [sessionId]);
    expectRefused(await verify(tokens.token), "TOKEN_EXPIRED", "Token has expired.");
    await gateway.sql("update users set is_active = false");
    expectRefused(await verify(tokens.token), "USER_DEACTIVATED", "This user has been deactivated.");
    await gateway.sql("truncate users cascade");
    expectRefused(await verify(tokens.token), "USER_NOT_FOUND", "No user matching this token was found.");
  });

  it("takes no header of a client for its own, and not two tokens (ASVS V4.1.3)", async () => {
    const forged = {
      "x-user-id": "1",
      "x-user-name": "root",
      "x-user-email": "root@example.com",
      "x-session-id": "1",
      "x-hasura-role": "admin",
    };
    const answer = await send({ headers: { ...forged, authorization: `Bearer ${tokens.token}` } });
    expect(identity(answer)).toEqual([userId, "ada", "ada@example.com", sessionId]);
    expect(answer.body).toMatchObject({ "x-hasura-role": "user" });
    expectRefused(await send({ headers: forged }), ...missing);
    const two = [`Bearer ${tokens.token}`, "Bearer forged"];
    expectRefused(await send({ headers: { authorization: two } }), ...invalid);
    expectRefused(await send({ headers: { authorization: two.toReversed() } }), ...invalid);
  });

  it("puts any username into a header and nothing beside it", async () => {
    const names: [string, string][] = [
      ["Ada Lovelace", "Ada Lovelace"],
      ['100%, or "more"?', '100%25, or "more"?'],
      ["a\r\nX-User-Id: 1\u0085\u007f", "a%0D%0AX-User-Id: 1%C2%85%7F"],
      ["Zoë 李 😀", "Zo%C3%AB %E6%9D%8E %F0%9F%98%80"],
      ["😀".repeat(255), "%F0%9F%98%80".repeat(255)],
      [" a ", "%20a%20"],
      [" ", "%20"],
    ];
    for (const [username, header] of names) {
      await gateway.sql("update users set username = $1", [username]);
      const answer = await verify(tokens.token);
      expect(identity(answer)).toEqual([userId, header, "ada@example.com", sessionId]);
      expect(decodeURIComponent(header)).toBe(username);
    }
  });
});

describe("/auth/verify?token=true", () => {
  it("gives a token of the same session, for a minute and of its own id", async () => {
    const fresh = freshToken(await verify(tokens.token, "/auth/verify?token=true"));
    const { iat = 0, ...claims } = decode(fresh);
    const original = decode(tokens.token);
    expect(claims).toEqual({
      iss: "gatehouse",
      aud: "gatehouse/upstream",
      sub: userId,
      sid: sessionId,
      exp: iat + 60,
      jti: expect.stringMatching(/^[\da-f-]{36}\.[\da-f-]{36}$/),
    });
    expect(jwt.decode(fresh, { complete: true })?.header.typ).toBe("at+jwt");
    expect(claims.jti).not.toBe(original.jti);
    const again = freshToken(await verify(tokens.token, "/auth/verify?token=true"));
    expect(decode(again).jti).not.toBe(claims.jti);
  });

  it.each([
    ["gatehouse/upstream", {}],
    ["billing", { FORWARD_AUTH_AUDIENCE: "billing" }],
    [["gatehouse"], { FORWARD_AUTH_AUDIENCE: "gatehouse" }],
  ])("gives a token for %s that the gateway itself refuses", async (audience, environment) => {
    const replica = await startReplica(gateway, {
      JWT_ALGORITHM: "HS256",
      JWT_SECRET: gateway.jwtSecret,
      ...environment,
    });
    const answer = await fetch(`${replica.url}/auth/verify?token=true`, {
      headers: { authorization: `Bearer ${tokens.token}` },
    });
    const forwarded = answer.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    expect(decode(forwarded).aud).toEqual(audience);
    for (const door of [gateway, replica]) {
      for (const operation of [
        "{ me { sessions { edges { node { id } } } } }",
        "mutation { logout(scope: ALL) { revokedSessions } }",
        `mutation { revokeSession(id: "${sessionId}") { session { id } } }`,
        'mutation { updateUser(input: { password: "another horse battery" }) { user { id } } }',
      ])
        expect(reasonOf(await door.graphql(operation, {}, `Token ${forwarded}`))).toBe("TOKEN_INVALID");
      for (const token of ["refreshToken", "logout"])
        expect(
          reasonOf(
            await door.graphql(`mutation ($t: JWT!) { ${token}(refreshToken: $t) { __typename } }`, {
              t: forwarded,
            }),
          ),
        ).toBe("TOKEN_INVALID");
      const again = await fetch(`${door.url}/auth/verify?token=true`, {
        headers: { authorization: `Bearer ${forwarded}` },
      });
      expect([again.status, again.headers.get("authorization")]).toEqual([401, null]);
    }
    expect(
      (await gateway.graphql("{ me { username } }", {}, `Token ${tokens.token}`)).errors,
    ).toBeUndefined();
    await replica.close();
  });

  it("never lets it outlive the token it is made from, or the session", async () => {
    const [row] = await gateway.sql<{ end: number }>(
      `update sessions set expires_at = now() + interval '10 seconds'
       returning floor(extract(epoch from expires_at))::int as end`,
    );
    const short = await verify(tokens.token, "/auth/verify?token=true");
    expect(decode(freshToken(short)).exp).toBe(row?.end);
    expect(short.body["Cache-Control"]).toMatch(/^max-age=\d$/);
  });

  it("is asked for by this word only", async () => {
    for (const query of ["", "?token=", "?token=false", "?token=1", "?fresh=true"])
      expect((await verify(tokens.token, `/auth/verify${query}`)).headers.authorization).toBeUndefined();
    expect(freshToken(await verify(tokens.token, "/auth/verify?token=true&token=false"))).not.toBe("");
    expectRefused(await send({ path: "/auth/verify?token=true" }), ...missing);
  });
});

describe("what proxies send", () => {
  it("Traefik and Caddy: GET with X-Forwarded-*, whatever the original method was", async () => {
    const headers = {
      authorization: `Bearer ${tokens.token}`,
      "x-forwarded-method": "POST",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "app.example.com",
      "x-forwarded-uri": "/orders?token=true",
      "x-forwarded-for": "203.0.113.7",
      "content-type": "application/json",
      accept: "text/html",
    };
    const answer = await send({ headers });
    expect([answer.status, ...identity(answer)]).toEqual([200, userId, "ada", "ada@example.com", sessionId]);
    expect(answer.headers.authorization).toBeUndefined();
  });

  it("Envoy: the original method, and the original path behind a prefix", async () => {
    const paths = [
      "/auth/verify/",
      "/auth/verify/orders/1?x=y",
      `/auth/verify/${"long/".repeat(200)}`,
      "/auth/verify?token=true&path=/orders?x=y",
    ];
    const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    for (const path of paths)
      for (const method of methods) {
        const headers = { "content-length": "0", "content-type": "application/json" };
        const authorization = `Bearer ${tokens.token}`;
        const allowed = await send({ method, path, headers: { ...headers, authorization } });
        expect([method, path, allowed.status, identity(allowed)[0]]).toEqual([method, path, 200, userId]);
        expect(allowed.headers.authorization !== undefined).toBe(path.includes("token=true"));
        const refused = await send({ method, path, headers });
        expect([method, path, refused.status]).toEqual([method, path, 401]);
        expect(identity(refused)[0]).toBeUndefined();
      }
  });

  it("a preflight passes for no method and no origin", async () => {
    const headers = { origin: "https://app.example.com", "access-control-request-method": "POST" };
    const refused = await send({ method: "OPTIONS", headers });
    expectRefused(refused, ...missing);
    expect(refused.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("reads no body but Hasura's", async () => {
    const body = JSON.stringify({ headers: { Authorization: `Bearer ${tokens.token}` } });
    for (const method of ["PUT", "PATCH", "DELETE"])
      expectRefused(
        await send({ method, headers: { "content-type": "application/json" }, body }),
        ...missing,
      );
    expectRefused(
      await send({ method: "POST", headers: { "content-type": "text/plain" }, body }),
      ...missing,
    );
    for (const type of ["application/json", "multipart/form-data", "text/csv"]) {
      const headers = { "content-type": type, authorization: `Bearer ${tokens.token}` };
      const large = await send({ method: "POST", headers, body: "{".repeat(150_000) });
      expect([large.status, identity(large)[0]]).toEqual([200, userId]);
    }
  });
});

describe("Hasura's webhook", () => {
  it("by POST: takes the token from the headers in the body", async () => {
    for (const name of ["Authorization", "authorization", "AUTHORIZATION"]) {
      const sent = { headers: { Host: "x", [name]: `Bearer ${tokens.token}` }, request: { query: "{ a }" } };
      const answer = await hook(sent, "application/json; charset=utf-8");
      expect([answer.status, answer.body["x-hasura-user-id"]]).toEqual([200, userId]);
      for (const value of Object.values(answer.body)) expect(typeof value).toBe("string");
    }
    const Authorization = `Bearer ${tokens.token}`;
    expectRefused(await hook({ headers: { Authorization, authorization: "Bearer x" } }), ...invalid);
    for (const sent of [{ headers: {} }, { headers: null }, {}, [], "null", "1", '"x"'])
      expectRefused(await hook(sent), ...missing);
    const strange: unknown[] = [null, 1, {}, { toString: 1 }, [Authorization], ["Bearer", tokens.token]];
    for (const value of strange) {
      expectRefused(await hook({ headers: { Authorization: value } }), ...missing);
      expectRefused(await hook({ headers: { Authorization, authorization: value } }), ...invalid);
    }
    const deep = `{"headers":{"authorization":${"[".repeat(40_000)}${"]".repeat(40_000)}}}`;
    expectRefused(await hook(deep), ...missing);
    expectRefused(await hook({ headers: { Authorization: "Bearer x" } }), ...invalid);
  });

  it("bounds the body, and passes nothing that it cannot read", async () => {
    const large = await hook({ headers: {}, request: "x".repeat(100_000) });
    expect([large.status, large.body.errors[0].extensions]).toEqual([413, { code: "PAYLOAD_TOO_LARGE" }]);
    const broken = await hook('{"headers":');
    expect([broken.status, broken.body.errors[0].extensions]).toEqual([400, { code: "BAD_REQUEST" }]);
  });
});
