import helmet from "@fastify/helmet";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fastify from "fastify";
import { securityHeaders } from "../src/http/security-headers.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ CORS_ORIGINS: "https://app.example.com, https://admin.example.com" });
});
afterAll(() => gateway.close());

const post = (headers: Record<string, string>, body = JSON.stringify({ query: "{ __typename }" })) =>
  fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });

describe("the door", () => {
  it("answers /health/live and /health/ready", async () => {
    for (const path of ["live", "ready"]) {
      const answer = await fetch(`${gateway.url}/health/${path}`);
      expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    }
  });

  it("warns once where X-Forwarded-For comes and no proxy is named", async () => {
    for (const address of ["192.0.2.1", "192.0.2.2"]) await post({ "x-forwarded-for": address });
    expect(gateway.log.filter((line) => line.includes("TRUST_PROXY"))).toHaveLength(1);
    const behind = await startGateway({ TRUST_PROXY: "1" });
    await fetch(`${behind.url}/health/live`, { headers: { "x-forwarded-for": "192.0.2.1" } });
    await behind.close();
    expect(behind.log.filter((line) => line.includes("TRUST_PROXY"))).toEqual([]);
  });

  it("lets the named origins read answers, and no others (ASVS V3.4.2)", async () => {
    const allowed = await post({ origin: "https://app.example.com" });
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(allowed.headers.get("access-control-expose-headers")).toBe("Retry-After");
    for (const origin of ["https://evil.example.com", "https://app.example.com.evil.example", "null"])
      expect((await post({ origin })).headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await fetch(`${gateway.url}/graphql`, {
      method: "OPTIONS",
      headers: {
        origin: "https://admin.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("refuses what a form of another site could send (ASVS V3.5.2)", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const answer = await post({ "content-type": type });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
    }
    const query = encodeURIComponent("{ __typename }");
    expect((await fetch(`${gateway.url}/graphql?query=${query}`)).status).toBe(400);
    const mutation = encodeURIComponent("mutation { logout { revokedSessions } }");
    const byGet = await fetch(`${gateway.url}/graphql?query=${mutation}`, {
      headers: { authorization: "Token x" },
    });
    expect(byGet.status).toBe(405);
  });

  it("sends headers that let an answer do nothing but be read", async () => {
    const { headers } = await post({});
    expect(headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-powered-by")).toBeNull();
  });

  it("sends the headers that Helmet would, on whatever it answers", async () => {
    const model = fastify();
    await model.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
    });
    model.get("/", (_request, reply) => reply.code(204).send());
    const { headers } = await model.inject("/");
    await model.close();
    expect(headers).toMatchObject(securityHeaders);
    expect(
      Object.keys(headers)
        .filter((name) => !(name in securityHeaders))
        .toSorted(),
    ).toEqual(["connection", "date"]);
    for (const path of ["/graphql", "/nothing", "/health/live"]) {
      const answer = await fetch(`${gateway.url}${path}`);
      expect(Object.fromEntries(answer.headers)).toMatchObject(securityHeaders);
    }
  });

  it("bounds the body and says so", async () => {
    const answer = await post({}, JSON.stringify({ query: `{ me { id } } #${"x".repeat(100_000)}` }));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "PAYLOAD_TOO_LARGE" } }] });
    const unreadable = await post({}, "{");
    expect(unreadable.status).toBe(400);
    expect(await unreadable.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
  });

  it("says what to send instead", async () => {
    const untyped = await post({ "content-type": "text/csv" });
    expect([untyped.status, await untyped.json()]).toMatchObject([
      415,
      { errors: [{ message: "Send the body as JSON, with the header `content-type: application/json`." }] },
    ]);
    const options = await fetch(`${gateway.url}/graphql`, { method: "OPTIONS" });
    expect(options.status).toBe(204);
    const answer = await post(
      { accept: "application/graphql-response+json" },
      JSON.stringify({ query: "subscription { me { id } }" }),
    );
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      {
        errors: [
          { message: "The schema has no subscription.", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } },
        ],
      },
    ]);
  });

  it("says where the API is on a path that is not there", async () => {
    const answer = await fetch(`${gateway.url}/nothing`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      errors: [
        {
          message: "Nothing is at GET /nothing. The API is at POST /graphql.",
          extensions: { code: "NOT_FOUND" },
        },
      ],
    });
  });

  it("answers a path that cannot be read like any other mistake", async () => {
    const answer = await fetch(`${gateway.url}/%ff`);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { errors: [{ message: expect.any(String), extensions: { code: "BAD_REQUEST" } }] },
    ]);
  });

  it("keeps the address of a client behind a trusted proxy, if it is one (ASVS V4.1.3)", async () => {
    const proxied = await startGateway({ TRUST_PROXY: "1" });
    const register = (username: string, address: string) =>
      fetch(`${proxied.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": `6.6.6.6, ${address}` },
        body: JSON.stringify({
          query: `mutation { register(input: { email: "${username}@b.co", username: "${username}", password: "a password" }) { token } }`,
        }),
      });
    await register("a", "203.0.113.7");
    await register("b", "<script>".repeat(100));
    expect(await proxied.sql("select ip from sessions order by created_at")).toEqual([
      { ip: "203.0.113.7" },
      { ip: "127.0.0.1" },
    ]);
    await proxied.close();
  });

  it("logs a line for each request, without query strings", async () => {
    await fetch(`${gateway.url}/nothing?secret=hunter2`);
    const lines = gateway.log.map((line) => JSON.parse(line)).filter(({ path }) => path === "/nothing");
    expect(lines.at(-1)).toMatchObject({
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      method: "GET",
      status: 404,
      ms: expect.any(Number),
      ip: "127.0.0.1",
    });
    expect(gateway.log.join("")).not.toContain("hunter2");
  });
});

describe("exploration", () => {
  const introspection = "{ __schema { types { name } } }";

  it("is on by default and off in production, unless turned on (ASVS V4.3.2, V13.4.2)", async () => {
    expect((await gateway.graphql(introspection)).data.__schema.types.length).toBeGreaterThan(10);
    expect((await fetch(`${gateway.url}/`)).headers.get("content-type")).toMatch("text/html");

    const closed = await startGateway({ NODE_ENV: "production" });
    const answer = await closed.graphql(introspection);
    expect(answer.data).toBeUndefined();
    expect(answer.errors?.[0].extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
    expect((await fetch(`${closed.url}/`)).status).toBe(404);
    const suggestion = await closed.graphql("{ mee { id } }");
    expect(suggestion.errors?.[0].message).toMatch(/^The document does not fit the schema\./);
    await closed.close();

    const open = await startGateway({ NODE_ENV: "production", INTROSPECTION: "on", IDE: "on" });
    expect((await open.graphql(introspection)).errors).toBeUndefined();
    expect((await fetch(`${open.url}/`)).status).toBe(200);
    await open.close();
  });
});

describe("password hashing under load", () => {
  const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
  const stranger = { input: { email: "nobody@example.com", password: "a password" } };

  it("runs a set number at once, lets some wait, and refuses the rest at once", async () => {
    const busy = await startGateway({
      HASH_CONCURRENCY: "1",
      HASH_QUEUE: "2",
      ARGON2_MEMORY: "65536",
      ARGON2_TIME: "4",
    });
    // A stranger's sign-in is hashed like any other, so it takes a place like any other.
    const answers = await Promise.all(Array.from({ length: 10 }, () => busy.graphql(login, stranger)));
    const codes = answers.map(({ errors }) => errors?.[0].extensions.code as string);
    expect(new Set(codes)).toEqual(new Set(["BAD_USER_INPUT", "SERVICE_UNAVAILABLE"]));
    // Three, unless the last to come find that the first is done, or wait in vain.
    expect(codes.filter((code) => code === "BAD_USER_INPUT").length).toBeLessThan(6);
    const refused = answers.find(({ errors }) => errors?.[0].extensions.code === "SERVICE_UNAVAILABLE");
    expect(refused).toMatchObject({ status: 200, data: null });
    expect(refused?.errors?.[0].extensions.retryAfter).toBeGreaterThanOrEqual(1);
    expect(refused?.errors?.[0].message).toBe(
      "The service is temporarily unavailable. Try again in a moment.",
    );
    expect((await busy.graphql(login, stranger)).errors?.[0].extensions.code).toBe("BAD_USER_INPUT");
    await busy.close();
  });
});
