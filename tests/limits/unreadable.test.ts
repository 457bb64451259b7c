import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { connect } from "node:net";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ TRUST_PROXY: "1" });
});
afterAll(() => gateway.close());

/** Sends bytes as they are. @returns all that comes until the gateway hangs up */
const send = (bytes: string) =>
  new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1", () =>
      socket.write(bytes, "latin1"),
    );
    socket.setEncoding("utf8").on("data", (part) => (text += part));
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) => error.code === "ECONNRESET" || reject(error));
  });
/** Status, headers and body of the only answer, which must be JSON in our shape. */
const answerTo = async (bytes: string) => {
  const [head = "", body = ""] = (await send(bytes)).split("\r\n\r\n");
  const [status = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(": ")));
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(headers["connection"]).toBe("close");
  return [Number(status.split(" ")[1]), JSON.parse(body)];
};
const badRequest = (message: string) => ({ errors: [{ message, extensions: { code: "BAD_REQUEST" } }] });

describe("what is no HTTP is answered in our shape, and the connection closed:", () => {
  it.each([
    ["garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello"],
    ["another protocol", "EHLO example.com\r\n"],
    ["a header without a colon", "GET / HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n"],
    ["a header with a line break in it", "GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n"],
    ["two lengths", "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"],
    [
      "a length and chunks",
      "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
  ])("%s", async (_what, bytes) => {
    expect(await answerTo(bytes)).toEqual([400, badRequest("This is not a request of HTTP/1.1.")]);
  });

  it("headers that are too large", async () => {
    const large = `GET /health/live HTTP/1.1\r\nhost: x\r\ncookie: ${"x".repeat(17_000)}\r\n\r\n`;
    expect(await answerTo(large)).toEqual([431, badRequest("The headers are larger than 16,384 bytes.")]);
    const path = `GET /${"x".repeat(17_000)} HTTP/1.1\r\nhost: x\r\n\r\n`;
    expect(await answerTo(path)).toEqual([431, badRequest("The headers are larger than 16,384 bytes.")]);
  });

  it("an expectation that nobody knows", async () => {
    expect(await answerTo("GET /health/live HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\n\r\n")).toEqual([
      417,
      badRequest("No expectation but 100-continue can be met."),
    ]);
  });

  it("an expectation that nobody knows, after what was asked before it", async () => {
    const ready = "GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n";
    const answers = await send(`${ready}GET / HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\n\r\n`);
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 417"]);
  });

  it.each(["", "host: [\r\n", "host: a b\r\n", "host: \r\n", "host: x:99999\r\n", "host: \xff\xfe@\r\n"])(
    "no proper Host: %j",
    async (host) => {
      for (const request of [
        "GET /health/live",
        "GET /graphql?query={me{id}}",
        "GET /.well-known/openid-configuration",
      ])
        expect(
          await answerTo(`${request} HTTP/1.1\r\n${host}authorization: x\r\nconnection: close\r\n\r\n`),
        ).toEqual([
          400,
          badRequest("A request needs the header Host, with a name or an address and perhaps a port."),
        ]);
    },
  );

  it("though HTTP/1.0 needs no Host", async () => {
    for (const path of ["/health/live", "/graphql?query={__typename}", "/.well-known/openid-configuration"])
      expect(await send(`GET ${path} HTTP/1.0\r\nauthorization: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 OK/);
  });
});

it.each(["x-forwarded-host: [", "x-forwarded-host: a b", "x-forwarded-proto: ]["])(
  "what a proxy lets through of a client is no failure of ours: %s",
  async (header) => {
    for (const path of ["/graphql?query={__typename}", "/.well-known/openid-configuration"]) {
      const answer = await send(
        `GET ${path} HTTP/1.1\r\nhost: x\r\n${header}\r\nauthorization: x\r\nconnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
      expect(answer).not.toContain("][");
    }
  },
);

/** As the gateway's own times, but soon. */
const inHaste = async <T>(work: () => Promise<T>) => {
  const { server } = gateway.app.server;
  const { headersTimeout, requestTimeout } = server;
  expect([headersTimeout, requestTimeout, server.timeout]).toEqual([10_000, 30_000, 60_000]);
  Object.assign(server, { headersTimeout: 300, requestTimeout: 300 });
  return work().finally(() => Object.assign(server, { headersTimeout, requestTimeout }));
};

describe("a request that does not arrive", () => {
  const late = [408, badRequest("The request did not arrive in time.")];

  it.each([
    ["nothing at all", ""],
    ["headers without an end", "POST /graphql HTTP/1.1\r\nhost: x\r\n"],
    [
      "a body without an end",
      'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"query"',
    ],
  ])("is answered with 408, and its connection is free again: %s", async (_what, bytes) => {
    expect(await inHaste(() => answerTo(bytes))).toEqual(late);
  });
});
