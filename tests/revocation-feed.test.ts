import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { feedPath, idsOf } from "./support/revocation-feed.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
/** Another replica on the same database. */
let other: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
  other = await startReplica(gateway);
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
});

const read = (from = gateway, headers: Record<string, string> = {}) =>
  fetch(`${from.url}${feedPath}`, { headers });
const listed = async (from = gateway) => idsOf(await (await read(from)).text());
const sessionOf = ({ token }: Pick<Tokens, "token">) => decodeJwt<{ sid: string }>(token).sid;
const logout = (from: Gateway, { token }: Tokens) =>
  from.graphql("mutation { logout { revokedSessions } }", {}, `Token ${token}`);
const isListed = async (id: string, from = gateway) => (await listed(from)).includes(id);
const untilListed = (id: string, from = gateway) => until(() => isListed(id, from));

describe("GET /.well-known/revoked-sessions", () => {
  it("is a signed list, open to every origin and not to be kept without asking", async () => {
    await logout(gateway, tokens);
    await untilListed(sessionOf(tokens));
    const answer = await read(gateway, { origin: "https://shop.example" });
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/jwt",
      "cache-control": "no-cache",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      vary: expect.stringContaining("accept"),
      etag: expect.stringMatching(/^W\/"[\w-]{43}"$/),
    });
    const list = await answer.text();
    const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", gateway.url));
    const { payload } = await jwtVerify(list, keys, { typ: "revoked-sessions+jwt" });
    const { iat } = payload as { iat: number };
    expect(payload).toEqual({ iss: "gatehouse", iat, exp: iat + 900, sids: expect.any(String) });
    expect(idsOf(list)).toContain(sessionOf(tokens));
  });

  it("says nothing of what has not changed", async () => {
    const first = await read();
    const etag = first.headers.get("etag") ?? "";
    for (const known of [etag, `"x", ${etag.slice(2)}`, "*"]) {
      const again = await read(gateway, { "if-none-match": known });
      expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
    }
    await logout(gateway, tokens);
    await untilListed(sessionOf(tokens));
    const changed = await read(gateway, { "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).not.toBe(etag);
    const head = await fetch(`${gateway.url}${feedPath}`, {
      method: "HEAD",
      headers: { accept: "text/event-stream" },
    });
    expect([head.status, head.headers.get("etag")]).toEqual([200, changed.headers.get("etag")]);
    // Every replica names the same list by the same tag.
    await untilListed(sessionOf(tokens), other);
    expect((await read(other)).headers.get("etag")).toBe(changed.headers.get("etag"));
  });

  it("is signed anew when the key that signed it is retired, and stays the same list", async () => {
    const first = await read();
    const { kid = "" } = decodeProtectedHeader(await first.text());
    await gateway.app.keyRotation?.retire(kid);
    await until(async () => decodeProtectedHeader(await (await read()).text()).kid !== kid);
    const again = await read();
    expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
    const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", gateway.url));
    await jwtVerify(await again.text(), keys, { typ: "revoked-sessions+jwt" });
  });

  it.each([
    ["a sign-out on another replica", () => logout(other, tokens)],
    [
      "SQL by hand",
      () => gateway.sql("update sessions set revoked_at = now() - interval '1 hour', revoked_reason = 'x'"),
    ],
    ["deletion of the session", () => gateway.sql("delete from sessions")],
    ["deletion of the user", () => gateway.sql("delete from users")],
    ["deactivation of the user", () => gateway.sql("update users set is_active = false")],
  ])("hears of %s", async (_what, end) => {
    await end();
    await Promise.all([untilListed(sessionOf(tokens), gateway), untilListed(sessionOf(tokens), other)]);
    expect(
      await gateway.sql(
        "select revoked_at > now() - interval '1 minute' as now from session_revocations where session_id = $1",
        [sessionOf(tokens)],
      ),
    ).toEqual([{ now: true }]);
  });

  it("keeps silent about what has run out or had ended before", async () => {
    await gateway.sql("update sessions set refresh_expires_at = now(), expires_at = now()");
    await gateway.sql("delete from sessions");
    await gateway.sql("update users set full_name = 'Ada', is_active = true");
    const last = await register(gateway, { ...ada, email: "b@example.com", username: "b" });
    await gateway.sql("delete from users where username = 'b'");
    await untilListed(sessionOf(last));
    expect(await listed()).not.toContain(sessionOf(tokens));
  });

  it("ends the sessions of a deactivated user for good, and says why", async () => {
    await gateway.sql("update users set is_active = false");
    const me = () => gateway.graphql("{ me { id } }", {}, `Token ${tokens.token}`);
    expect((await me()).errors?.[0].extensions.reason).toBe("USER_DEACTIVATED");
    expect(await gateway.sql("select revoked_reason from sessions")).toEqual([
      { revoked_reason: "user_deactivated" },
    ]);
    await gateway.sql("update users set is_active = true");
    expect((await me()).errors?.[0].extensions.reason).toBe("TOKEN_REVOKED");
  });
});
