import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import type { JwtPayload } from "jsonwebtoken";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "./gateway.ts";
import type { Gateway } from "./gateway.ts";
import { register } from "./operations.ts";
import { send, startApplication } from "./proxy.ts";
import type { Stand } from "./proxy.ts";

export interface ProxyUnderTest {
  name: string;
  /** Undefined where the machine has none. */
  program: string | undefined;
  start: (ports: { gateway: number; application: number }) => Promise<Stand>;
}

/** What every proxy with the documented configuration must keep; skipped, and said so, where there is no such program. */
export function proxyPromises({ name, program, start }: ProxyUnderTest): void {
  if (program === undefined) {
    console.warn(`skipped: ${name} is not installed, so its documented configuration is not run`);
    it.skip(`${name} (skipped: it is not installed on this machine)`, () => {});
    return;
  }
  describe(`${name} as documented`, () => run(start));
}

const forged = {
  "X-User-Id": "1",
  "x-user-name": "root",
  "X-USER-EMAIL": "root@example.com",
  "X-Session-Id": "1",
  X_User_Id: "1",
  X_User_Name: "root",
  x_user_email: "root@example.com",
  X_Session_Id: "1",
  "X-User_Id": "1",
  "X_User-Name": "root",
  "x-user_email": "root@example.com",
  "X-Session_Id": "1",
};
const identityNames = /^(x[-_]user|x[-_]session|authorization)/;

function run(start: ProxyUnderTest["start"]): void {
  let gateway: Gateway;
  let application: Awaited<ReturnType<typeof startApplication>>;
  let proxy: Stand;
  const closers: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-proxy-claims-"));
    closers.push(() => rm(directory, { recursive: true }));
    const claimsFile = join(directory, "claims.json");
    const claims = Array.from({ length: 15 }, (_, at) => [`claim${at}`, "x".repeat(250)]);
    await writeFile(claimsFile, JSON.stringify(Object.fromEntries(claims)));
    // The largest tokens that there are.
    gateway = await startGateway({ CLAIMS_FILE: claimsFile, JWT_ALGORITHM: "RS256", TRUST_PROXY: "1" });
    closers.push(() => gateway.close());
    application = await startApplication();
    closers.push(() => application.close());
    proxy = await start({ gateway: Number(new URL(gateway.url).port), application: application.port });
    closers.push(() => proxy.close());
  });
  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  });

  let count = 0;
  const signIn = async () => {
    count += 1;
    const username = `user${count}`;
    const email = `${username}@example.com`;
    const { token } = await register(gateway, { email, username, password: "a password" });
    const { sub, sid } = jwt.decode(token) as JwtPayload;
    return { token, email, username, sub, sid: sid as string };
  };

  it("shows the application who is calling, and nothing that the client says of itself", async () => {
    const user = await signIn();
    application.received.length = 0;
    const body = JSON.stringify({ headers: {}, text: "x".repeat(50_000) });
    const answer = await send(proxy.port, {
      method: "POST",
      path: "/orders?x=y",
      headers: {
        ...forged,
        authorization: `Bearer ${user.token}`,
        "content-type": "application/json",
        "content-length": String(body.length),
      },
      body,
    });
    expect([answer.status, answer.body]).toEqual([200, "hello"]);
    const [got, ...more] = application.received;
    expect([more.length, got?.method, got?.url, got?.body]).toEqual([0, "POST", "/orders?x=y", body]);
    const identity = Object.entries(got?.headers ?? {}).filter(([header]) => identityNames.test(header));
    const { authorization, ...rest } = Object.fromEntries(identity);
    expect(rest).toEqual({
      "x-user-id": user.sub,
      "x-user-name": user.username,
      "x-user-email": user.email,
      "x-session-id": user.sid,
    });
    const fresh = String(authorization).replace(/^Bearer /, "");
    expect(fresh).not.toBe(user.token);
    const { sub, sid, iat = 0, exp } = jwt.decode(fresh) as JwtPayload;
    expect([sub, sid, exp]).toEqual([user.sub, user.sid, iat + 60]);
  });

  it("lets nobody else pass, and says why", async () => {
    const user = await signIn();
    application.received.length = 0;
    const missing = 'Bearer realm="gatehouse"';
    const invalid = `${missing}, error="invalid_token", error_description="Invalid authentication. Could not decode token."`;
    const refused: [Record<string, string>, string][] = [
      [{}, missing],
      [{ authorization: "Basic YTpi" }, missing],
      [{ authorization: "Bearer forged" }, invalid],
      [{ authorization: `Bearer ${user.token.replace(/\.[^.]*$/, ".AAAA")}` }, invalid],
    ];
    for (const [headers, challenge] of refused)
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const preflight = { origin: "https://app.example.com", "access-control-request-method": "POST" };
        const answer = await send(proxy.port, { method, headers: { ...forged, ...preflight, ...headers } });
        expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, challenge]);
      }

    const authorization = `Bearer ${user.token}`;
    expect((await send(proxy.port, { headers: { authorization } })).status).toBe(200);
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, authorization);
    const signedOut = await send(proxy.port, { headers: { authorization } });
    expect([signedOut.status, signedOut.headers["www-authenticate"]]).toEqual([
      401,
      `${missing}, error="invalid_token", error_description="Token has been revoked."`,
    ]);
    expect(application.received).toHaveLength(1);
  });

  it("answers preflights of the listed origin, and passes no OPTIONS on without a token", async () => {
    application.received.length = 0;
    const preflight = {
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };
    const origin = "https://www.example.com";
    const answer = await send(proxy.port, { method: "OPTIONS", headers: { origin, ...preflight } });
    expect([answer.status, answer.body]).toEqual([204, ""]);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": expect.stringContaining("POST"),
      "access-control-allow-headers": expect.stringMatching(/authorization/i),
      vary: expect.stringContaining("Origin"),
    });
    for (const headers of [{ origin }, { origin: "https://evil.example.com", ...preflight }, preflight]) {
      const refused = await send(proxy.port, { method: "OPTIONS", headers });
      expect(refused.status).toBe(401);
    }
    expect(application.received).toEqual([]);
  });

  it("lets scripts of the listed origin, and no other, read answers and refusals", async () => {
    const { token } = await signIn();
    const careless = await startApplication({ "access-control-allow-origin": "*" });
    const other = await start({ gateway: Number(new URL(gateway.url).port), application: careless.port });
    const origin = "https://www.example.com";
    for (const [headers, status] of [
      [{ authorization: `Bearer ${token}` }, 200] as const,
      [{}, 401] as const,
    ]) {
      const answer = await send(other.port, { headers: { origin, ...headers } });
      expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([status, origin]);
      const foreign = await send(proxy.port, { headers: { origin: "https://evil.example.com", ...headers } });
      expect([foreign.status, foreign.headers["access-control-allow-origin"]]).toEqual([status, undefined]);
    }
    await other.close();
    await careless.close();
  });

  it("tells Gatehouse the client's address, whatever the client says", async () => {
    const localAddress = "127.0.0.9";
    const forwarded = { "x-forwarded-for": "6.6.6.6", forwarded: "for=6.6.6.6", "x-real-ip": "6.6.6.6" };
    const query = `mutation { register(input: { email: "seen@example.com", username: "seen", password: "a password" }) { token } }`;
    const answer = await send(proxy.port, {
      method: "POST",
      path: "/graphql",
      headers: { ...forwarded, host: "accounts.example.com", "content-type": "application/json" },
      body: JSON.stringify({ query }),
      localAddress,
    });
    const { token } = JSON.parse(answer.body).data.register as { token: string };
    const { sid } = jwt.decode(token) as JwtPayload;
    expect(await gateway.sql("select ip from sessions where id = $1", [sid])).toEqual([{ ip: localAddress }]);

    await send(proxy.port, { headers: { ...forwarded, authorization: `Bearer ${token}` }, localAddress });
    const verified = gateway.log
      .map((line) => JSON.parse(line) as { path?: string; ip?: string })
      .findLast(({ path }) => path?.startsWith("/auth/verify"));
    expect(verified?.ip).toBe(localAddress);
  });

  it("keeps /auth/verify inside", async () => {
    const { token } = await signIn();
    const headers = { host: "accounts.example.com", authorization: `Bearer ${token}` };
    expect((await send(proxy.port, { path: "/auth/verify", headers })).status).toBe(404);
  });

  it("passes no second token on", async () => {
    const user = await signIn();
    application.received.length = 0;
    const authorization = [`Bearer ${user.token}`, "Bearer forged"];
    for (const order of [authorization, authorization.toReversed()])
      await send(proxy.port, { headers: { authorization: order } });
    for (const { headers } of application.received)
      expect((jwt.decode(String(headers.authorization).slice(7)) as JwtPayload).sub).toBe(user.sub);
  });

  it("has room for the longest username", async () => {
    const user = await signIn();
    await gateway.sql("update users set username = $1 where id = $2", ["😀".repeat(255), user.sub]);
    application.received.length = 0;
    const answer = await send(proxy.port, { headers: { authorization: `Bearer ${user.token}` } });
    expect(answer.status).toBe(200);
    expect(application.received[0]?.headers["x-user-name"]).toBe("%F0%9F%98%80".repeat(255));
  });

  it("removes what the client sent also where the answer has no such header", async () => {
    const standIn = await startApplication({ "x-user-id": "7" });
    const other = await start({ gateway: standIn.port, application: application.port });
    application.received.length = 0;
    const answer = await send(other.port, { headers: { ...forged, authorization: "Bearer a" } });
    await other.close();
    await standIn.close();
    expect(answer.status).toBe(200);
    expect(standIn.received[0]?.headers.authorization).toBe("Bearer a");
    const { headers = {} } = application.received[0] ?? {};
    expect(headers["x-user-id"]).toBe("7");
    for (const value of Object.values(forged)) expect(Object.values(headers)).not.toContain(value);
  });

  it("lets nobody pass while Gatehouse does not answer", async () => {
    const gone = await startApplication();
    const other = await start({ gateway: gone.port, application: application.port });
    await gone.close();
    application.received.length = 0;
    const answer = await send(other.port, { headers: { ...forged, authorization: "Bearer a" } });
    await other.close();
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(application.received).toEqual([]);
  });
}
