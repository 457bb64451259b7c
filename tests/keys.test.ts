import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";
import jwt from "jsonwebtoken";
import { createPublicKey } from "node:crypto";
import { Client } from "pg";
import pino from "pino";
import { loadConfig } from "../src/config/config.ts";
import { configuredKeys } from "../src/keys/configured-keys.ts";
import { KeyRotation } from "../src/keys/key-rotation.ts";
import { SealedSecrets } from "../src/security/sealed-secrets.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import { until } from "./support/until.ts";

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const secret = "a secret of thirty-two bytes or more";
const otherSecret = "another secret of thirty-two bytes";

const get = (gateway: Gateway, path: string, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/.well-known/${path}`, { headers });
const keysOf = async (gateway: Gateway) =>
  (await (await get(gateway, "jwks.json")).json()) as JSONWebKeySet & { keys: { kid: string; n?: string }[] };
const kidsOf = async (gateway: Gateway) => (await keysOf(gateway)).keys.map(({ kid }) => kid);
const me = (gateway: Gateway, token: string) => gateway.graphql("{ me { username } }", {}, `Token ${token}`);
const login = async (gateway: Gateway): Promise<string> => {
  const { data } = await gateway.graphql(
    `mutation { login(input: { username: "ada", password: "${ada.password}" }) { token } }`,
  );
  return data.login.token as string;
};
const kidOf = (token: string) => decodeProtectedHeader(token).kid;

/** A part of a JWT. */
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** What has been agreed on for later happens now. */
const skipAhead = (gateway: Gateway) =>
  gateway.sql("update signing_keys set signs_from = now() where signs_from > now()");

describe.each(["ES256", "RS256", "PS256"])("%s", (algorithm) => {
  let gateway: Gateway;
  let token: string;
  beforeAll(async () => {
    gateway = await startGateway({ JWT_ALGORITHM: algorithm });
    ({ token } = await register(gateway, ada));
  });
  afterAll(() => gateway.close());

  it("signs what anybody verifies with the published key", async () => {
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(await keysOf(gateway)), {
      issuer: "gatehouse",
      audience: "gatehouse",
      typ: "at+jwt",
      algorithms: [algorithm],
    });
    expect(protectedHeader).toEqual({ alg: algorithm, typ: "at+jwt", kid: expect.any(String) });
    const [session] = await gateway.sql("select id, user_id from sessions");
    expect(payload).toMatchObject({ sub: session?.["user_id"], sid: session?.["id"] });
    expect((await me(gateway, token)).data.me).toEqual({ username: "ada" });
  });

  it("publishes nothing but the public part, under its thumbprint", async () => {
    const { keys } = await keysOf(gateway);
    expect(keys).toHaveLength(1);
    for (const key of keys) {
      expect(key).toMatchObject({ alg: algorithm, use: "sig", kid: await calculateJwkThumbprint(key) });
      const members = algorithm === "ES256" ? ["crv", "x", "y"] : ["e", "n"];
      expect(Object.keys(key).toSorted()).toEqual(["alg", "kid", "kty", "use", ...members].toSorted());
      if (key.n !== undefined)
        expect(Buffer.from(key.n, "base64url").length * 8).toBeGreaterThanOrEqual(3072);
    }
  });

  it("repeats a refresh within the grace time to the letter here, and with the same claims on another replica", async () => {
    const { refreshToken } = await register(gateway, { ...ada, email: "eve@b.co", username: "eve" });
    const document = `mutation { refreshToken(refreshToken: "${refreshToken}") { token refreshToken expiresAt } }`;
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.graphql(document)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const replica = await startReplica(gateway, { JWT_ALGORITHM: algorithm });
    const elsewhere = (await replica.graphql(document)).data.refreshToken;
    await replica.close();
    const here = answers[0]?.data.refreshToken;
    for (const name of ["token", "refreshToken"])
      expect(jwt.decode(elsewhere[name])).toEqual(jwt.decode(here[name]));
  });

  it("takes no other algorithm with its key, and no key that a token brings along", async () => {
    const [key] = (await keysOf(gateway)).keys;
    const pem = createPublicKey({ key: key as never, format: "jwk" }).export({ type: "spki", format: "pem" });
    const { payload } = jwt.decode(token, { complete: true }) ?? { payload: {} };
    const header = { typ: "at+jwt", kid: key?.kid };
    const forgeries = [
      jwt.sign(payload, Buffer.from(pem), {
        algorithm: "HS256",
        header: { alg: "HS256", ...header },
      }),
      `${part({ alg: "none", ...header })}.${part(payload)}.`,
      `${part({ alg: "HS256", ...header, kid: undefined })}.${part(payload)}.AAAA`,
      token.replace(/^[^.]+/, part({ alg: algorithm, typ: "at+jwt" })),
      token.replace(/^[^.]+/, part({ alg: algorithm, typ: "at+jwt", kid: ["x"] })),
      token.replace(/^[^.]+/, part({ alg: algorithm, typ: "at+jwt", kid: "__proto__", jwk: key })),
      `${token.slice(0, -8)}AAAAAAAA`,
      "x".repeat(10_000),
    ];
    for (const forgery of forgeries) expect(reasonOf(await me(gateway, forgery))).toBe("TOKEN_INVALID");
  });
});

describe("keys at rest", () => {
  it("are sealed, and open only with a key that ENCRYPTION_KEY lists", async () => {
    const gateway = await startGateway({ ENCRYPTION_KEY: secret });
    const { token } = await register(gateway, ada);
    const sealed = async () =>
      (await gateway.sql<{ s: string }>("select sealed_private_key as s from signing_keys"))[0]?.s;
    const first = await sealed();
    expect(first).toMatch(/^v1\.[\w-]{100,}$/);
    expect(gateway.log.join("")).not.toContain(first?.slice(3));

    const environment = { DATABASE_URL: gateway.databaseUrl };
    await expect(startGateway({ ...environment, ENCRYPTION_KEY: otherSecret })).rejects.toThrow(
      /^ENCRYPTION_KEY opens no signing key of this database\. .*node bin\/gatehouse\.js keys retire/,
    );
    expect(await sealed()).toBe(first);
    // The new one is added first, which seals everything anew; then the old one can go.
    for (const ENCRYPTION_KEY of [`${otherSecret},${secret}`, otherSecret]) {
      const replica = await startGateway({ ...environment, ENCRYPTION_KEY });
      expect((await me(replica, token)).data.me).toEqual({ username: "ada" });
      expect(kidOf(await login(replica))).toBe(kidOf(token));
      await replica.close();
    }
    expect(await sealed()).not.toBe(first);
    await gateway.close();
  });

  it("are not succeeded by one that the others cannot open", async () => {
    const gateway = await startGateway({ ENCRYPTION_KEY: secret });
    const { token } = await register(gateway, ada);
    const kid = kidOf(token);
    const stranger = new KeyRotation(gateway.app.orm.em, new SealedSecrets([otherSecret]), {
      algorithm: "ES256",
      rotation: 3600,
      publishAhead: 0,
      accessTokenTtl: 900,
    });
    const refusal = /^ENCRYPTION_KEY opens no signing key of this database\./;
    await expect(stranger.rotate()).rejects.toThrow(refusal);
    // For it the key is due, and of another algorithm than its own.
    await gateway.sql("update signing_keys set signs_from = now() - interval '2 hours'");
    await expect(
      startGateway({
        DATABASE_URL: gateway.databaseUrl,
        ENCRYPTION_KEY: otherSecret,
        KEY_ROTATION: "1h",
        KEY_PUBLISH_AHEAD: "0s",
        JWT_ALGORITHM: "RS256",
      }),
    ).rejects.toThrow(refusal);
    expect(await gateway.sql("select kid from signing_keys")).toEqual([{ kid }]);

    // Without any key to open there is nothing to be wrong about.
    expect(await stranger.retire(kid ?? "")).toMatchObject({ kid: expect.any(String) });
    await gateway.close();
  });

  it("that cannot be opened are passed over, and named in the log once", async () => {
    const gateway = await startGateway({ ENCRYPTION_KEY: secret });
    const { token } = await register(gateway, ada);
    const waiting = await gateway.app.keyRotation?.rotate();
    await gateway.sql("update signing_keys set sealed_private_key = 'v1.AAAA' where kid = $1", [
      waiting?.kid,
    ]);
    await skipAhead(gateway);
    const replica = await startReplica(gateway, { ENCRYPTION_KEY: secret });
    const third = await gateway.app.keyRotation?.rotate();
    await until(async () => (await kidsOf(replica)).includes(third?.kid ?? ""));
    expect(kidOf(await login(replica))).toBe(kidOf(token));
    const complaints = replica.log.filter((line) => line.includes("does not open this signing key"));
    expect(complaints).toEqual([expect.stringContaining(waiting?.kid ?? "?")]);
    await replica.close();
    await gateway.close();
  });

  it("are not mistaken for one another", async () => {
    const gateway = await startGateway({ ENCRYPTION_KEY: secret });
    await gateway.app.keyRotation?.rotate();
    await skipAhead(gateway);
    await gateway.sql(
      `update signing_keys set sealed_private_key = (select min(o.sealed_private_key) from signing_keys o
         where o.kid <> signing_keys.kid)`,
    );
    await expect(startGateway({ DATABASE_URL: gateway.databaseUrl, ENCRYPTION_KEY: secret })).rejects.toThrow(
      "ENCRYPTION_KEY opens no signing key",
    );
    await gateway.close();
  });
});

describe("HS256", () => {
  it("publishes nothing, as nobody else could verify it, and has no keys to manage", async () => {
    const gateway = await startGateway({ JWT_ALGORITHM: "HS256" });
    const { token } = await register(gateway, ada);
    expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", typ: "at+jwt" });
    expect(await keysOf(gateway)).toEqual({ keys: [] });
    expect((await get(gateway, "revoked-sessions")).status).toBe(404);
    expect(await (await get(gateway, "openid-configuration")).json()).not.toHaveProperty(
      "revoked_sessions_uri",
    );
    expect(await gateway.sql("select from signing_keys")).toEqual([]);
    expect(gateway.app.keyRotation).toBeUndefined();
    await gateway.close();
  });
});

describe("the well-known documents", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(() => gateway.close());

  it("say where the keys are, and no more than is true", async () => {
    const answer = await get(gateway, "openid-configuration");
    expect(await answer.json()).toEqual({
      issuer: "gatehouse",
      jwks_uri: `${gateway.url}/.well-known/jwks.json`,
      response_types_supported: [],
      grant_types_supported: [],
      claims_supported: ["iss", "aud", "sub", "sid", "iat", "exp", "jti"],
      revoked_sessions_uri: `${gateway.url}/.well-known/revoked-sessions`,
    });
    const named = await startGateway({ JWT_ISSUER: "https://id.example.com/" });
    expect(await (await get(named, "openid-configuration")).json()).toMatchObject({
      issuer: "https://id.example.com/",
      jwks_uri: "https://id.example.com/.well-known/jwks.json",
    });
    await named.close();
  });

  it("lead nobody astray whose requests share a cache with those of an attacker", async () => {
    const proxied = await startGateway({ TRUST_PROXY: "1" });
    const asked = await get(proxied, "openid-configuration", {
      "x-forwarded-host": "evil.example.com",
      "x-forwarded-proto": "https",
    });
    expect(asked.headers.get("cache-control")).toBe("private, max-age=300");
    expect((await asked.json()) as object).toMatchObject({
      jwks_uri: `https://${new URL(proxied.url).host}/.well-known/jwks.json`,
    });
    await proxied.close();

    const named = await startGateway({ JWT_ISSUER: "https://id.example.com", TRUST_PROXY: "1" });
    const answer = await get(named, "openid-configuration", { "x-forwarded-host": "evil.example.com" });
    expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
    expect(await answer.text()).not.toContain("evil");
    await named.close();
  });

  it.each([
    ["jwks.json", "public, max-age=300"],
    ["openid-configuration", "private, max-age=300"],
  ])("can be cached and read by any page: %s", async (path, cacheControl) => {
    const answer = await get(gateway, path, { origin: "https://anywhere.example.com" });
    const etag = answer.headers.get("etag") ?? "";
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe(cacheControl);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await get(gateway, path, { "if-none-match": known });
      expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
    }
    expect((await get(gateway, path, { "if-none-match": '"other"' })).status).toBe(200);
  });
});

describe("rotation", () => {
  let gateway: Gateway;
  let other: Gateway;
  beforeAll(async () => {
    gateway = await startGateway();
    other = await startReplica(gateway);
    await register(gateway, ada);
  });
  afterAll(async () => {
    await other.close();
    await gateway.close();
  });
  const kids = () => gateway.sql<{ kid: string }>("select kid from signing_keys order by signs_from");

  it("publishes a key to every replica before it signs, and keeps the one before", async () => {
    const old = await login(gateway);
    const next = await gateway.app.keyRotation?.rotate();
    expect(await gateway.app.keyRotation?.rotate()).toEqual(next);
    expect(gateway.log.some((line) => line.includes(`"kid":"${kidOf(old)}"`))).toBe(true);
    await until(async () => (await kidsOf(other)).length === 2 && (await kidsOf(gateway)).length === 2);
    expect(await kidsOf(other)).toEqual([kidOf(old), next?.kid]);
    expect(kidOf(await login(other))).toBe(kidOf(old));

    await skipAhead(gateway);
    await until(
      async () => kidOf(await login(other)) === next?.kid && kidOf(await login(gateway)) === next?.kid,
    );
    for (const replica of [gateway, other])
      expect((await me(replica, old)).data.me).toEqual({ username: "ada" });
  });

  it("keeps a superseded key until its last token has expired, without its private part", async () => {
    const [before] = await kids();
    const old = await login(gateway);
    await gateway.app.keyRotation?.rotate();
    // Two hours have passed.
    await gateway.sql("update signing_keys set signs_from = signs_from - interval '2 hours'");
    await until(
      async () => (await gateway.sql("select from signing_keys where published_until is null")).length === 1,
    );
    const [key] = await gateway.sql(
      `select sealed_private_key, published_until > (select max(refresh_expires_at) from sessions) as outlives,
         published_until < (select max(refresh_expires_at) from sessions) + interval '2 minutes' as ends
       from signing_keys where kid = $1`,
      [before?.kid],
    );
    expect(key).toEqual({ sealed_private_key: null, outlives: true, ends: true });
    expect((await me(other, old)).data.me).toEqual({ username: "ada" });

    await gateway.sql("update signing_keys set published_until = now() where published_until is not null");
    await until(async () => (await kidsOf(other)).length === 1);
    expect(reasonOf(await me(other, old))).toBe("TOKEN_INVALID");
    await gateway.sql(
      "update signing_keys set published_until = now() - interval '2 days' where published_until is not null",
    );
    await until(async () => (await kids()).length === 1);
  });

  it("takes a retired key out at once, and signs with its successor", async () => {
    const token = await login(gateway);
    const successor = await other.app.keyRotation?.retire(kidOf(token) ?? "");
    await until(async () => (await kidsOf(gateway)).join() === successor?.kid);
    expect(reasonOf(await me(gateway, token))).toBe("TOKEN_INVALID");
    expect(kidOf(await login(gateway))).toBe(successor?.kid);
    await expect(gateway.app.keyRotation?.retire(kidOf(token) ?? "")).rejects.toThrow(
      "No published key has the kid",
    );

    const next = await gateway.app.keyRotation?.rotate();
    expect(await gateway.app.keyRotation?.retire(successor?.kid ?? "")).toMatchObject({ kid: next?.kid });
    await until(async () => kidOf(await login(other)) === next?.kid);
  });

  it("is followed within 10 seconds when no notification is heard", async () => {
    await gateway.sql("alter table signing_keys disable trigger all");
    const next = await gateway.app.keyRotation?.rotate();
    await until(async () => (await kidsOf(other)).includes(next?.kid ?? ""), 10_000);
    await gateway.sql("alter table signing_keys enable trigger all");
  });

  it("is followed while another hangs in the midst of it, with all its locks", async () => {
    const old = kidOf(await login(other));
    const next = await gateway.app.keyRotation?.rotate();
    await until(async () => (await kidsOf(other)).includes(next?.kid ?? ""));
    const hanging = new Client({ connectionString: gateway.databaseUrl });
    await hanging.connect();
    await hanging.query("begin");
    await hanging.query("select pg_advisory_xact_lock(7220418036)");
    // The one before is to be closed now, for which a replica needs the lock.
    await gateway.sql("update signing_keys set signs_from = signs_from - interval '2 hours'");
    expect(old).not.toBe(next?.kid);
    for (const replica of [gateway, other])
      await until(async () => kidOf(await login(replica)) === next?.kid, 4_000);
    await hanging.query("rollback");
    await hanging.end();
  });

  it("hears again after its listening connection was cut", async () => {
    await skipAhead(gateway);
    await gateway.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gatehouse listener' and datname = current_database()",
    );
    const listeners = () =>
      gateway.sql(
        "select from pg_stat_activity where application_name = 'gatehouse listener' and datname = current_database()",
      );
    await until(async () => (await listeners()).length === 2);
    const next = await other.app.keyRotation?.rotate();
    await until(async () => (await kidsOf(gateway)).includes(next?.kid ?? ""), 4_000);
  });
});

it.each([-1, 1])("goes by the clock of the database where its own is %d days ahead", async (days) => {
  const gateway = await startGateway();
  const { kid } = decodeProtectedHeader((await register(gateway, ada)).token);
  const next = await gateway.app.keyRotation?.rotate();
  const { now } = Date;
  Date.now = () => now() + days * 86_400_000;
  try {
    const { ring } = configuredKeys(
      gateway.app.orm.em,
      loadConfig({}),
      { jwtSecret: undefined, encryptionKeys: [gateway.jwtSecret] },
      pino({ level: "silent" }),
    );
    await ring?.start();
    expect([ring?.signing().kid, ring?.published().map((key) => key.kid)]).toEqual([kid, [kid, next?.kid]]);
    await skipAhead(gateway);
    await ring?.follow();
    expect(ring?.signing().kid).toBe(next?.kid);
    await ring?.close();
  } finally {
    Date.now = now;
  }
  await gateway.close();
});

it("makes one key however many replicas start or rotate at once", async () => {
  const gateway = await startGateway();
  const replicas = await Promise.all(
    Array.from({ length: 8 }, () => startReplica(gateway, { KEY_ROTATION: "1h", KEY_PUBLISH_AHEAD: "10m" })),
  );
  const count = async () => (await gateway.sql("select from signing_keys")).length;
  expect(await count()).toBe(1);
  await Promise.all(replicas.map(async ({ app }) => app.keyRotation?.rotate()));
  expect(await count()).toBe(2);
  // Due: the newest has signed for 55 of its 60 minutes, and the next is to be known for 10 before it signs.
  await gateway.sql("update signing_keys set signs_from = signs_from - interval '65 minutes'");
  await until(async () => (await count()) === 3);
  await Promise.all(replicas.map(async ({ app }) => app.keyRotation?.keepUp()));
  expect(await count()).toBe(3);
  const [next] = await gateway.sql<{ minutes: number }>(
    "select round(extract(epoch from max(signs_from) - now()) / 60)::int as minutes from signing_keys",
  );
  expect(next?.minutes).toBe(10);
  await Promise.all(replicas.map((replica) => replica.close()));
  await gateway.close();
});

it("follows another JWT_ALGORITHM without signing anybody out", async () => {
  const gateway = await startGateway();
  const { token } = await register(gateway, ada);
  const replica = await startReplica(gateway, { JWT_ALGORITHM: "RS256" });
  expect((await keysOf(replica)).keys.map(({ alg }) => alg)).toEqual(["ES256", "RS256"]);
  expect((await me(replica, token)).data.me).toEqual({ username: "ada" });
  await skipAhead(gateway);
  await until(async () => decodeProtectedHeader(await login(replica)).alg === "RS256");
  expect((await me(replica, token)).data.me).toEqual({ username: "ada" });
  await replica.close();
  await gateway.close();
});
