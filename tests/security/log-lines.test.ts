import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { connect } from "node:net";
import pino from "pino";
import { describeError, forPeople, logOptions } from "../../src/logging/logger.ts";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { killAll, serve } from "../support/gateway-process.ts";
import type { GatehouseProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

/** Whatever could end a line, move a cursor, change colours or turn text round. */
const hostile = [
  "\r\n",
  "\n",
  "\r",
  "\u001b[2K\u001b[1A",
  "\u001b]0;title\u0007",
  "\u009b31m",
  "\u0085",
  "\u2028",
  "\u2029",
  "\u202e",
  "\u200b",
  "\u007f",
  "\b",
  "\v",
  "\f",
];
const forged = '{"level":30,"msg":"forged"}';
const unprintable = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u;

describe("the log of a process", () => {
  let databaseUrl: string;
  let gateway: GatehouseProcess & { url: string };
  beforeAll(async () => {
    databaseUrl = await createDatabase();
    gateway = await serve({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
      LOG_LEVEL: "trace",
      TRUST_PROXY: "1",
    });
  });
  afterAll(async () => {
    await killAll();
    await dropDatabase(databaseUrl);
  });

  /** As bytes, because clients would not send it. */
  const send = async (head: string, body = "") => {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    const length = Buffer.byteLength(body);
    socket.end(`${head}\r\nhost: x\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`);
    socket.resume().on("error", () => {});
    await once(socket, "close");
  };
  const lines = () => gateway.output.stdout.split("\n").filter(Boolean);

  it("has one line of JSON for each thing that it says, whatever a request is made of", async () => {
    for (const text of hostile.map((characters) => `a${characters}${forged}`)) {
      await send(`GET /${text} HTTP/1.1`);
      await send(`GET /${encodeURI(text)} HTTP/1.1`);
      await send(`${text} / HTTP/1.1`);
      const headers = `user-agent: ${text}\r\nx-forwarded-for: ${text}\r\nauthorization: Token ${text}\r\n${text}: ${text}`;
      const query = `mutation ($input: LoginInput!) { login(input: $input) { token } } # ${text}`;
      const variables = { input: { username: text, password: text } };
      const json = "content-type: application/json";
      await send(`POST /graphql HTTP/1.1\r\n${json}\r\n${headers}`, JSON.stringify({ query, variables }));
      await send(
        `POST /graphql HTTP/1.1\r\n${json}`,
        JSON.stringify({ query, variables, operationName: text }),
      );
      await send(`POST /graphql HTTP/1.1\r\n${json}`, text);
    }
    await fetch(`${gateway.url}/the-end`);
    await until(() => gateway.output.stdout.includes("/the-end"));
    expect(lines().length).toBeGreaterThan(hostile.length);
    for (const line of lines()) {
      expect(JSON.parse(line)).not.toMatchObject({ msg: "forged" });
      expect(line).not.toMatch(unprintable);
    }
    expect(gateway.output.stderr).toBe("");
  });
});

it("a request is one line for people, too", () => {
  let output = "";
  const log = pino(logOptions("info"), forPeople({ write: (text) => void (output += text) }));
  log.info({ requestId: "018f", method: "POST", path: "/graphql", status: 200 }, "request");
  expect(output.match(/\n/g)).toHaveLength(1);
  expect(output).toContain("/graphql");
});

it.each(["08001", "57P01", "ECONNREFUSED", "ENOTFOUND"])(
  "an outage (%s) is logged without a stack",
  (code) => {
    expect(describeError(Object.assign(new Error("out"), { code }))).toMatchObject({
      code,
      stack: undefined,
    });
    expect(describeError(new Error("a fault of ours"))).toMatchObject({
      stack: expect.stringMatching(/\sat /),
    });
  },
);

it("lines for people cannot be forged either", () => {
  let output = "";
  const log = pino(logOptions("trace"), forPeople({ write: (text) => void (output += text) }));
  for (const characters of hostile) {
    const text = `a${characters}${forged}`;
    log.info({ path: text, inner: { list: [text] } }, "request");
    log.error({ err: new Error(text) }, "failure");
    log.warn(text);
  }
  // eslint-disable-next-line no-control-regex
  const plain = output.replaceAll(/\u001b\[\d{1,2}m/g, "");
  expect(plain).not.toMatch(unprintable);
  const entries = plain.split("\n").filter((line) => /^\S/.test(line));
  expect(entries).toHaveLength(3 * hostile.length);
  for (const entry of entries) expect(entry).toMatch(/^\[\d\d:\d\d:\d\d\] (INFO|WARN|ERROR)/);
});
