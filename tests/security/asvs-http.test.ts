import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway({ IDE: "on" });
  ({ token } = await register(gateway, ada));
});
afterAll(() => gateway.close());

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const json = { "content-type": "application/json" };
const post = (body: string, headers: Record<string, string> = json) =>
  ["/graphql", { method: "POST", headers, body }] as const;

/** One request for each kind of answer. */
const everyAnswer: (readonly [path: string, request?: RequestInit, status?: number])[] = [
  [...post(JSON.stringify({ query: "{ __typename }" })), 200],
  [...post(JSON.stringify({ query: "{ nothing }" })), 200],
  [...post("{"), 400],
  [...post("a", { "content-type": "text/csv" }), 415],
  [...post(`"${"x".repeat(100_000)}"`), 413],
  ["/graphql?query={__typename}", {}, 400],
  ["/graphql", { method: "OPTIONS" }, 204],
  ["/graphql", { method: "DELETE" }, 405],
  ["/nothing", {}, 404],
  ["/%ff", {}, 400],
  ["/health/live", {}, 200],
  ["/health/ready", {}, 200],
  ["/.well-known/jwks.json", {}, 200],
  ["/.well-known/openid-configuration", {}, 200],
  ["/.well-known/revoked-sessions", {}, 200],
  ["/auth/verify", {}, 401],
  ["/", {}, 200],
  ["/ide/assets/nothing.js", {}, 404],
];

const ask = async ([path, request = {}, status = 200]: (typeof everyAnswer)[number]) => {
  const answer = await fetch(gateway.url + path, request);
  expect([path, answer.status]).toEqual([path, status]);
  return answer;
};

describe("every answer", () => {
  it("keeps browsers from guessing its type (ASVS V3.4.4)", async () => {
    for (const question of everyAnswer)
      expect([question[0], (await ask(question)).headers.get("x-content-type-options")]).toEqual([
        question[0],
        "nosniff",
      ]);
    expect((await raw("GET / HTTP/9.9\r\n\r\n")).toLowerCase()).toMatch(
      /^http\/1.1 400 [^]*\r\nx-content-type-options: nosniff\r\n/,
    );
  });

  it("names its type and character set, and is of it (ASVS V4.1.1)", async () => {
    for (const question of everyAnswer) {
      const answer = await ask(question);
      const body = await answer.text();
      const type = answer.headers.get("content-type") ?? "";
      if (body === "") expect(type).toBe("");
      else if (body.startsWith("<!doctype html>")) expect(type).toBe("text/html; charset=utf-8");
      else if (body.startsWith("ey")) expect(type).toBe("application/jwt");
      else {
        expect(type).toBe("application/json; charset=utf-8");
        expect(JSON.parse(body)).toBeInstanceOf(Object);
      }
    }
    const page = await (await fetch(gateway.url)).text();
    const files = [...page.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const path of files) {
      const expected = { js: "application/javascript", css: "text/css", svg: "image/svg+xml" }[
        path.split(".").at(-1) ?? ""
      ];
      const type = (await fetch(gateway.url + path)).headers.get("content-type");
      expect([path, type]).toEqual([path, `${expected}; charset=utf-8`]);
    }
  });

  it("that is about a person is kept by no cache (ASVS V14.3.2)", async () => {
    const authorization = `Token ${token}`;
    for (const [path, request] of [
      post(JSON.stringify({ query: "{ me { email } }" }), { ...json, authorization }),
      ["/graphql?query={me{email}}", { headers: { authorization } }] as const,
      ["/auth/verify", { headers: { authorization } }] as const,
      ["/auth/verify?token=true", { headers: { authorization } }] as const,
      ["/auth/verify", {}] as const,
    ])
      expect((await fetch(gateway.url + path, request)).headers.get("cache-control")).toBe("no-store");
  });
});

describe("the door", () => {
  it("changes nothing for a GET (ASVS V3.5.3)", async () => {
    const state = () =>
      gateway.sql(
        "select (select jsonb_agg(to_jsonb(u) - 'updated_at') from users u) as users, (select jsonb_agg(to_jsonb(s) - 'last_used_at' - 'expires_at') from sessions s) as sessions",
      );
    const before = await state();
    const mutations = Object.keys(gateway.app.schema.getMutationType()?.getFields() ?? {});
    expect(mutations.length).toBeGreaterThanOrEqual(6);
    const documents = [
      ...mutations.map((name) => `mutation { ${name} { __typename } }`),
      'mutation { login(input: { username: "ada", password: "correct horse battery" }) { token } }',
      "mutation { logout(scope: ALL) { revokedSessions } }",
      'mutation { updateUser(input: { bio: "changed" }) { user { bio } } }',
    ];
    for (const document of documents)
      for (const method of ["GET", "HEAD"]) {
        const path = `/graphql?query=${encodeURIComponent(document)}`;
        const answer = await fetch(gateway.url + path, {
          method,
          headers: { authorization: `Token ${token}` },
        });
        expect(answer.ok).toBe(false);
      }
    expect(await state()).toEqual(before);
  });

  it("answers to the methods it serves and to no others (ASVS V4.1.4)", async () => {
    const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "SEARCH", "LINK"];
    const served = {
      "/graphql": "GET HEAD POST",
      "/health/live": "GET HEAD",
      "/.well-known/jwks.json": "GET HEAD",
      "/": "GET HEAD",
    };
    for (const [path, known] of Object.entries(served))
      for (const method of methods) {
        const answer = await raw(
          `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        const isNone = answer.startsWith("HTTP/1.1 405 ");
        expect([method, path, isNone]).toEqual([method, path, !known.split(" ").includes(method)]);
      }
    expect(await raw("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")).not.toMatch(/^HTTP\/1.1 2/);
  });

  const body = JSON.stringify({ query: "{ __typename }" });
  const head = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
  const second = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

  it.each([
    [
      "a length and chunks",
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`,
    ],
    [
      "chunks and a length",
      `${head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${second}`,
    ],
    ["two lengths", `${head}Content-Length: 0\r\nContent-Length: ${body.length}\r\n\r\n${body}${second}`],
    [
      "the same length twice",
      `${head}Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ],
    ["a list of lengths", `${head}Content-Length: ${body.length}, 0\r\n\r\n${body}`],
    ["a length with a sign", `${head}Content-Length: +${body.length}\r\n\r\n${body}`],
    ["a length in hex", `${head}Content-Length: 0x1a\r\n\r\n${body}`],
    ["an unknown encoding", `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${second}`],
    ["chunks that are not last", `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${second}`],
    ["a space before the colon", `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`],
    ["a folded line", `${head}X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`],
    ["a bare CR", `${head}X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`],
    ["bare LFs", `${head.replaceAll("\r", "")}Content-Length: 0\n\n`],
    ["a NUL", `${head}X-A: b\0c\r\nContent-Length: 0\r\n\r\n`],
    [
      "a bare LF in a chunk's extension",
      `${head}Transfer-Encoding: chunked\r\n\r\n1a;a=\n${body}\r\n0\r\n\r\n`,
    ],
    [
      "a chunk that is longer than it says",
      `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n${body}\r\n0\r\n\r\n${second}`,
    ],
  ])("takes no request whose end can be read in two ways: %s (ASVS V4.2.1)", async (_what, request) => {
    const answer = await raw(request);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  });

  it("speaks no WebSocket, from whatever origin (ASVS V4.4.2, V4.4.3)", async () => {
    for (const path of ["/graphql", "/", "/.well-known/revoked-sessions", "/auth/verify"])
      for (const origin of [gateway.url, "https://evil.example.com"]) {
        const handshake = [
          `GET ${path} HTTP/1.1`,
          "Host: a",
          `Origin: ${origin}`,
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          "Sec-WebSocket-Protocol: graphql-transport-ws",
          `Authorization: Token ${token}`,
        ].join("\r\n");
        expect(await raw(`${handshake}\r\n\r\n`)).not.toMatch(/HTTP\/1.1 101|Sec-WebSocket-Accept/i);
      }
    expect(gateway.app.schema.getSubscriptionType()).toBeFalsy();
  });

  it("takes no secret from a URL (ASVS V14.2.1)", async () => {
    for (const name of ["token", "access_token", "authorization", "jwt"]) {
      const verify = await fetch(`${gateway.url}/auth/verify?${name}=${token}`);
      expect(verify.status).toBe(401);
      const query = encodeURIComponent("{ me { id } }");
      const me = await fetch(`${gateway.url}/graphql?query=${query}&${name}=${token}`, {
        headers: { "apollo-require-preflight": "true" },
      });
      expect(await me.json()).toMatchObject({ errors: [{ extensions: { reason: "TOKEN_MISSING" } }] });
    }
    const login = encodeURIComponent(
      'mutation { login(input: { username: "ada", password: "correct horse battery" }) { token } }',
    );
    const byUrl = await fetch(`${gateway.url}/graphql?query=${login}`, {
      method: "POST",
      headers: json,
      body: "{}",
    });
    expect(await byUrl.json()).not.toHaveProperty("data.login");
    expect(gateway.log.join("")).not.toContain(token);
    expect(gateway.log.join("")).not.toContain("correct");
  });

  it("has no ways in but those that are written down (ASVS V6.3.4)", () => {
    const documents = readFileSync("docs/security/threat-model.md", "utf8");
    const routes = routesOf(gateway.app.server.printRoutes());
    expect(routes).toEqual(expect.arrayContaining(["/", "/graphql", "/auth/verify", "/auth/verify/*"]));
    for (const path of routes) expect([path, documents.includes(`\`${path}\``)]).toEqual([path, true]);
    const { schema } = gateway.app;
    const operations = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
      // Those of federation are hidden from whoever enumerates.
      Object.getOwnPropertyNames(type?.getFields() ?? {}),
    );
    expect(operations.length).toBeGreaterThanOrEqual(9);
    for (const name of operations) expect([name, documents.includes(`\`${name}\``)]).toEqual([name, true]);
  });
});

/** The paths of Fastify's tree, in which each line has four columns a level and what it adds to the path. */
function routesOf(tree: string): string[] {
  const parts: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent = "", part = "", methods] = /^([│ ]*[├└]── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    parts.splice(indent.length / 4 - 1, parts.length, part === "(empty root node)" ? "" : part);
    return methods === undefined ? [] : [parts.join("")];
  });
}

/** Everything that comes back for these bytes until the server ends the connection, or has answered and waits. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const { port, hostname } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (/\r\nConnection: keep-alive\r\n/i.test(answer)) socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
    socket.write(bytes, "latin1");
  });
}
