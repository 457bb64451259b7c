import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { request } from "node:http";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { killAll, serve } from "../support/gateway-process.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** Bytes and a path as they are, which fetch would change. */
const send = ({ method = "POST", path = "/graphql", headers, body }: Sent) =>
  new Promise<[status: number | undefined, body: unknown]>((resolve, reject) => {
    const type = { "content-type": "application/json" };
    const sent = request(gateway.url, { method, path, headers: { ...type, ...headers } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve([answer.statusCode, JSON.parse(text)]));
    });
    sent.on("error", reject).end(body);
  });
const badRequest = (message: string) => ({ errors: [{ message, extensions: { code: "BAD_REQUEST" } }] });

const login = (username: string, password: string) =>
  JSON.stringify({
    query: "mutation ($input: LoginInput!) { login(input: $input) { user { username } } }",
    variables: { input: { username, password } },
  });
const query = JSON.stringify({ query: "{ __typename }" });

describe("a body", () => {
  it("in Latin-1 signs in to no account", async () => {
    await register(gateway, {
      email: "bjorn@example.com",
      username: "bj\u00f6rn",
      password: "schl\u00fcssel drei",
    });
    expect(await send({ body: login("bj\u00f6rn", "schl\u00fcssel drei") })).toEqual([
      200,
      { data: { login: { user: { username: "bj\u00f6rn" } } } },
    ]);
    expect(await send({ body: Buffer.from(login("bj\u00e5rn", "schl\u00e4ssel drei"), "latin1") })).toEqual([
      400,
      badRequest("The body is not valid UTF-8."),
    ]);
  });

  it.each([
    ["a single byte", "\xff"],
    ["an overlong form", "\xc0\xaf"],
    ["a surrogate", "\xed\xa0\x80"],
    ["a sequence that is cut short", "\xe2\x82"],
    ["a code point beyond U+10FFFF", "\xf4\x90\x80\x80"],
  ])("with %s returns 400, however often it comes", async (_what, bytes) => {
    const body = Buffer.from(`{"query":"{ __typename } #${bytes}"}`, "latin1");
    for (let time = 0; time < 3; time++)
      expect(await send({ body })).toEqual([400, badRequest("The body is not valid UTF-8.")]);
  });

  it.each(["utf16le", "utf-16"])("in UTF-16 returns 400 or 415 (%s)", async (encoding) => {
    const body = Buffer.from(`\ufeff${query}`, "utf16le");
    expect((await send({ body }))[0]).toBe(400);
    expect((await send({ body: body.subarray(2) }))[0]).toBe(400);
    const headers = { "content-type": `application/json; charset=${encoding}` };
    expect((await send({ headers, body }))[0]).toBe(415);
  });

  it("may begin with a byte order mark", async () => {
    expect(await send({ body: `\ufeff${query}` })).toMatchObject([200, { data: { __typename: "Query" } }]);
  });

  it.each(["utf-8", "UTF-8", '"utf-8"', "utf8"])("in the charset %s is read", async (charset) => {
    const headers = { "content-type": `application/json; profile="a;b"; Charset=${charset}` };
    expect((await send({ headers, body: query }))[0]).toBe(200);
  });

  it.each(["iso-8859-1", "us-ascii", '"utf-16"', "utf-8; charset=latin1", "utf-8x", ""])(
    "in the charset %j returns 415",
    async (charset) => {
      const headers = { "content-type": `application/json;charset=${charset}` };
      expect(await send({ headers, body: query })).toEqual([
        415,
        badRequest("Send the body in the charset utf-8."),
      ]);
    },
  );

  it.each(["gzip", "GZIP", "br", "identity, gzip", "nonsense"])(
    "with the content encoding %j returns 415",
    async (coding) => {
      expect(await send({ headers: { "content-encoding": coding }, body: query })).toEqual([
        415,
        badRequest("Send the body without a content encoding."),
      ]);
    },
  );

  it("with the content encoding identity is read", async () => {
    expect((await send({ headers: { "content-encoding": "identity" }, body: query }))[0]).toBe(200);
  });

  it("of Hasura's webhook is read by the same rules", async () => {
    const path = "/auth/verify";
    expect((await send({ path, body: Buffer.from('{"headers":{"a":"\xff"}}', "latin1") }))[0]).toBe(400);
    const headers = { "content-type": "application/json; charset=latin1" };
    expect((await send({ path, headers, body: '{"headers":{}}' }))[0]).toBe(415);
  });
});

const get = (search: string) =>
  send({ method: "GET", path: `/graphql?${search}`, headers: { "apollo-require-preflight": "yes" } });

describe("a query string", () => {
  it.each([
    ["a single byte", "%FF"],
    ["an overlong form", "%C0%AF"],
    ["a surrogate", "%ED%A0%80"],
    ["half an escape", "%F"],
  ])("with %s returns 400", async (_what, bytes) => {
    expect(await get(`query=%7B__typename%7D&extensions=${bytes}`)).toEqual([
      400,
      badRequest("The query string is not percent-encoded UTF-8."),
    ]);
  });

  it("that is not UTF-8 is refused by the bundled program as well", async () => {
    const databaseUrl = await createDatabase();
    try {
      const { url } = await serve({
        DATABASE_URL: databaseUrl,
        ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
        MIGRATE_ON_START: "on",
      });
      const headers = { "apollo-require-preflight": "yes" };
      const answer = await fetch(`${url}/graphql?query=%7B__typename%7D&extensions=%FF`, { headers });
      expect([answer.status, await answer.json()]).toEqual([
        400,
        badRequest("The query string is not percent-encoded UTF-8."),
      ]);
    } finally {
      await killAll();
      await dropDatabase(databaseUrl);
    }
  });

  it("in UTF-8 is read", async () => {
    expect((await get("query=%7B__typename%7D%23%C3%BC+%F0%9F%98%80"))[0]).toBe(200);
  });
});
