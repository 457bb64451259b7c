import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { connect } from "node:net";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";

let gateway: Gateway;
let plain: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
  plain = await startGateway({ IDE: "off" });
});
afterAll(() => Promise.all([gateway.close(), plain.close()]));

const data = { data: { __typename: "Query" } };
const document = "query Q { __typename }";
const preflight = { "apollo-require-preflight": "true" };

const post = async (body: object, accept = "*/*") => {
  const answer = await fetch(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify(body),
  });
  return [answer.status, await answer.json()];
};
const get = async (search: string) => {
  const answer = await fetch(`${gateway.url}/graphql?${search}`, { headers: preflight });
  return [answer.status, await answer.json()];
};
const request = async (method: string, path: string, headers: Record<string, string> = {}, of = gateway) => {
  const answer = await fetch(of.url + path, { method, headers, redirect: "manual" });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text };
};

describe("an optional part of an operation that is empty", () => {
  const empty: object[] = [
    { operationName: "" },
    { variables: "" },
    { extensions: "" },
    { operationName: "", variables: "", extensions: "" },
    { operationName: null, variables: null, extensions: null },
  ];

  it.each(empty)("counts as left out in a POST body: %j", async (more) => {
    // Twice, because the second one is answered without Apollo.
    for (const accept of ["*/*", "*/*", "application/json; charset=utf-8"])
      expect(await post({ query: document, ...more }, accept)).toEqual([200, data]);
  });

  it.each([
    "operationName=",
    "variables=",
    "extensions=",
    "operationName=&variables=&extensions=",
    "variables=null&extensions=null",
    "variables={}&extensions={}&operationName=Q",
  ])("counts as left out in a query string: %s", async (more) => {
    expect(await get(`query=${encodeURIComponent(document)}&${more}`)).toEqual([200, data]);
    expect(await get(`${more}&query=${encodeURIComponent(document)}`)).toEqual([200, data]);
  });

  it("is refused where it is not empty but wrong", async () => {
    expect(await post({ query: document, operationName: "R" })).toMatchObject([
      200,
      { errors: [{ extensions: { code: "OPERATION_RESOLUTION_FAILURE" } }] },
    ]);
    for (const wrong of [{ variables: "{}" }, { extensions: "x" }, { operationName: 0 }, { query: "" }])
      expect(await post({ query: document, ...wrong })).toMatchObject([
        400,
        { errors: [{ extensions: { code: "BAD_REQUEST" } }] },
      ]);
  });

  it("leaves an operation that has to be named unnamed", async () => {
    const two = { query: "query Q { __typename } query R { __typename }", operationName: "" };
    expect(await post(two)).toMatchObject([
      200,
      { errors: [{ extensions: { code: "OPERATION_RESOLUTION_FAILURE" } }] },
    ]);
  });
});

describe("a slash at the end", () => {
  it.each(["/health/live", "/health/ready", "/.well-known/jwks.json", "/.well-known/openid-configuration"])(
    "changes nothing of %s",
    async (path) => {
      const [without, withSlash] = await Promise.all([request("GET", path), request("GET", `${path}/`)]);
      expect([withSlash.status, withSlash.text]).toEqual([200, without.text]);
    },
  );

  it("changes nothing of /graphql and /auth/verify", async () => {
    const answer = await fetch(`${gateway.url}/graphql/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: document }),
    });
    expect([answer.status, answer.headers.get("cache-control"), await answer.json()]).toEqual([
      200,
      "no-store",
      data,
    ]);
    expect((await request("GET", "/auth/verify/")).status).toBe(401);
  });
});

describe("a method that a path does not take", () => {
  it.each(["PUT", "DELETE", "PATCH"])("%s gets 405 and the methods that it takes", async (method) => {
    for (const path of ["/graphql", "/graphql/", "/graphql?query={__typename}"]) {
      // With a body of a type that is refused elsewhere.
      const init = { method, body: "a=1", headers: { "content-type": "a/b" } };
      const answer = await fetch(gateway.url + path, init);
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS, POST"]);
      expect(await answer.json()).toEqual({
        errors: [
          {
            message: `${path} does not take ${method}, but GET, HEAD, OPTIONS, POST. The API is at POST /graphql.`,
            extensions: { code: "BAD_REQUEST" },
          },
        ],
      });
    }
  });

  it.each(["/health/live", "/health/ready/", "/.well-known/jwks.json", "/"])(
    "POST at %s gets 405, too",
    async (path) => {
      const { status, headers } = await request("POST", path);
      expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    },
  );

  it("gets 404 where nothing is, and is told where the API is", async () => {
    for (const path of ["/graphq", "/api/graphql", "/graphql/x", "/health", "/ide/assets/none.js"]) {
      const { status, headers, text } = await request("GET", path);
      expect([status, headers.get("allow"), JSON.parse(text).errors[0]]).toEqual([
        404,
        null,
        {
          message: `Nothing is at GET ${path}. The API is at POST /graphql.`,
          extensions: { code: "NOT_FOUND" },
        },
      ]);
    }
  });

  it("is listed by OPTIONS only if it is taken", async () => {
    for (const path of ["/graphql", "/graphql/"]) {
      const { status, headers } = await request("OPTIONS", path);
      expect([status, headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS, POST"]);
    }
    expect((await request("OPTIONS", "/nothing")).headers.get("allow")).toBeNull();
  });
});

describe("HEAD", () => {
  it.each([
    ["/graphql", {}],
    ["/graphql", { accept: "text/html" }],
    [`/graphql?query=${encodeURIComponent(document)}`, preflight],
    ["/health/live", {}],
    ["/", {}],
    ["/nothing", {}],
  ])("has the status and the headers of GET: %s %j", async (path, headers) => {
    const answers = await Promise.all(["GET", "HEAD"].map((method) => request(method, path, headers)));
    const [byGet, byHead] = answers.map((answer) => [
      answer.status,
      ...["content-type", "location"].map((name) => answer.headers.get(name)),
    ]);
    expect(byHead).toEqual(byGet);
    expect(answers[1]?.text).toBe("");
  });
});

describe("a visitor of /graphql", () => {
  const html = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

  it.each([
    ["/graphql", "./", "/"],
    ["/graphql?query=%7Bme%7Bid%7D%7D", "./", "/"],
    ["/graphql/", "../", "/"],
  ])("is sent from %s to the IDE, if there is one", async (path, location, target) => {
    const { status, headers } = await request("GET", path, html);
    expect([status, headers.get("location"), headers.get("vary")]).toEqual([303, location, "accept"]);
    expect(new URL(location, gateway.url + path).pathname).toBe(target);
    expect(new URL(location, `https://example.com/auth${path}`).pathname).toBe("/auth/");
  });

  it("is told how to call the API where there is no IDE", async () => {
    for (const [of, headers] of [
      [plain, html],
      [plain, {}],
      [gateway, {}],
    ] as const) {
      const { status, text } = await request("GET", "/graphql", headers, of);
      expect([status, JSON.parse(text).errors[0].message]).toEqual([
        400,
        'This is the GraphQL API. Send operations by POST, with `content-type: application/json` and a body such as {"query":"{ __typename }"}.',
      ]);
    }
  });

  it("is told which header a query by GET needs", async () => {
    const { status, text } = await request("GET", `/graphql?query=${encodeURIComponent(document)}`);
    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        errors: [
          {
            message:
              "This operation has been blocked as a potential Cross-Site Request Forgery (CSRF). Send it by POST with " +
              "`content-type: application/json`, or a query by GET with the header `Apollo-Require-Preflight: true` or " +
              "`Authorization`.",
            extensions: { code: "BAD_REQUEST" },
          },
        ],
      },
    ]);
  });

  it.each(["/graphql", "/graphql/", "/graphql?token=x"])(
    "is told that there is no WebSocket at %s, and the connection is closed",
    async (path) => {
      const answer = await new Promise<string>((resolve, reject) => {
        let text = "";
        const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1", () =>
          socket.write(
            `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n` +
              "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
              "sec-websocket-protocol: graphql-transport-ws\r\naccept: text/html\r\n\r\n",
          ),
        );
        socket.setEncoding("utf8").on("data", (part) => (text += part));
        socket.on("error", reject).on("close", () => resolve(text));
      });
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer.toLowerCase()).toContain("\r\nconnection: close\r\n");
      expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual({
        errors: [
          {
            message: "The API has no subscriptions and no WebSocket. Send operations by POST.",
            extensions: { code: "BAD_REQUEST" },
          },
        ],
      });
    },
  );

  it("may offer other protocols, which are passed over", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const body = JSON.stringify({ query: document });
      let text = "";
      const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1", () =>
        socket.write(
          "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\n" +
            `http2-settings: AAMAAABkAAQAAP__\r\ncontent-type: application/json\r\n` +
            `content-length: ${body.length}\r\n\r\n${body}`,
        ),
      );
      socket.setEncoding("utf8").on("data", (part) => (text += part));
      socket.on("error", reject).on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
