import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { answerWithin } from "../../src/http/abandonment.ts";
import { limitConnections } from "../../src/http/connection-limit.ts";
import { answerError } from "../../src/http/error-answer.ts";
import { registerHealth } from "../../src/http/health.ts";
import { defaultPressureLimits, refuseUnderPressure } from "../../src/http/pressure.ts";
import type { PressureLimits } from "../../src/http/pressure.ts";
import { proxyTest } from "../../src/http/trusted-proxies.ts";
import { until } from "../support/until.ts";

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const busy = (retryAfter: number) => ({
  errors: [
    {
      message: "The service is temporarily unavailable. Try again in a moment.",
      extensions: { code: "SERVICE_UNAVAILABLE", retryAfter },
    },
  ],
});

let requests: number;
beforeEach(() => void (requests = 0));

/** @returns opens a connection from an address */
const listen = async (
  most: number,
  isProxy: (address: string) => boolean,
  answer = (response: ServerResponse) => void response.end("served"),
) => {
  const server = createServer((_request, response) => {
    requests += 1;
    answer(response);
  });
  limitConnections(server, most, isProxy);
  server.listen(0, "::");
  await once(server, "listening");
  closers.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return async (from: string) => {
    const socket = connect({ port, host: from.includes(":") ? "::1" : "127.0.0.1", localAddress: from });
    closers.push(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  };
};
const ask = async (socket: Socket) => {
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await until(() => text !== "");
  return text;
};

const surplus = {
  errors: [
    {
      message: "Your address has too many connections open. Close some, and try again.",
      extensions: { code: "SERVICE_UNAVAILABLE", retryAfter: 5 },
    },
  ],
};
const expectRefusal = async (socket: Socket) => {
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  await until(() => socket.closed);
  expect(text).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
  expect(text).toMatch(/\r\nretry-after: 5\r\n/);
  expect(JSON.parse(text.split("\r\n\r\n")[1] ?? "")).toEqual(surplus);
};
const expectServed = async (socket: Socket) => expect(await ask(socket)).toMatch(/served/);

describe("connections", () => {
  it("may all be of one address; beyond, the one that was idle longest is told to go", async () => {
    const open = await listen(3, () => false);
    const first = await open("127.0.0.1");
    const others = [await open("127.0.0.1"), await open("127.0.0.1")];
    const next = await open("127.0.0.1");
    await expectRefusal(first);
    for (const socket of [...others, next]) await expectServed(socket);
    for (const socket of [...others, next]) socket.destroy();
    await until(async () => (await ask(await open("127.0.0.1"))).includes("served"));
  });

  it("of ten addresses that have taken all make room for newcomers, until these have as many", async () => {
    const open = await listen(20, () => false);
    const addresses = Array.from({ length: 10 }, (_, index) => `127.0.0.${index + 10}`);
    const taken: Socket[] = [];
    for (const address of [...addresses, ...addresses]) taken.push((await open(address)).resume());
    const newcomers: Socket[] = [];
    for (let index = 0; index < 10; index++) newcomers.push(await open(`127.0.1.${index}`));
    for (const newcomer of newcomers) await expectServed(newcomer);
    await until(() => taken.filter(({ closed }) => closed).length === 10);
    for (const address of addresses) {
      const kept = taken.filter(({ closed, localAddress }) => !closed && localAddress === address);
      expect(kept).toHaveLength(1);
    }
    // Now every address has one, so nobody has to go for one more.
    await expectRefusal(await open("127.0.2.1"));
    for (const newcomer of newcomers) expect(newcomer.closed).toBe(false);
  });

  it("on which an answer is being made go last, and no newcomer of the same address ends them", async () => {
    const open = await listen(
      2,
      () => false,
      () => {},
    );
    const answering = [await open("127.0.0.1"), await open("127.0.0.1")];
    for (const socket of answering) socket.resume().write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until(() => requests === 2);
    await expectRefusal(await open("127.0.0.1"));
    const other = await open("127.0.0.2");
    await until(() => answering[1]?.closed === true);
    expect([answering[0]?.closed, other.closed]).toEqual([false, false]);
  });

  it("that execute an operation go after streams and half a request, and are told that it may be done", async () => {
    const open = await listen(
      4,
      () => false,
      () => {},
    );
    const sent = async (text: string) => {
      const socket = await open("127.0.0.1");
      let answer = "";
      socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
      const before = requests;
      socket.write(text);
      await until(() => requests > before);
      return { isClosed: () => socket.closed, answer: () => answer };
    };
    const post = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
    const stream = await sent("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    const half = await sent(post);
    const first = await sent(`${post}}`);
    const second = await sent(`${post}}`);
    for (const [newcomer, displaced] of [
      ["127.0.0.2", half],
      ["127.0.0.3", stream],
    ] as const) {
      await open(newcomer);
      await until(displaced.isClosed);
      expect([first.isClosed(), second.isClosed()]).toEqual([false, false]);
    }
    await open("127.0.0.4");
    await until(second.isClosed);
    expect(second.answer()).toContain("The operation may have been executed.");
    expect(first.isClosed()).toBe(false);
  });

  it("of a proxy count, but none of them has to go", async () => {
    const open = await listen(3, proxyTest("10.0.0.0/8, 127.0.0.2, ::1"));
    const proxied = [await open("127.0.0.2"), await open("::1")];
    const direct = await open("127.0.0.1");
    await expectServed(direct);
    const next = await open("127.0.0.3");
    await expectRefusal(next);
    for (const socket of proxied) await expectServed(socket);
    expect(direct.closed).toBe(false);
  });

  it.each([
    [false, "10.0.0.1", false],
    [1, "10.0.0.1", true],
    ["10.0.0.0/8", "10.9.8.7", true],
    ["10.0.0.0/8", "::ffff:10.9.8.7", true],
    ["::ffff:10.0.0.0/104", "10.9.8.7", true],
    ["fe80::1%eth0", "fe80::1%eth1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.1", "10.0.0.2", false],
    ["2001:db8::/32, 10.0.0.1", "2001:db8:1::1", true],
    ["2001:db8::/32, 10.0.0.1", "2001:db9::1", false],
    ["0.0.0.0/0", "2001:db9::1", false],
  ])("with TRUST_PROXY %j: is %s a proxy? %s", (trustProxy, address, expected) => {
    expect(proxyTest(trustProxy)(address)).toBe(expected);
  });
});

const serve = async (addRoutes: (server: FastifyInstance) => Promise<void> | void) => {
  const server = fastify();
  server.setErrorHandler(answerError);
  await addRoutes(server);
  closers.push(() => server.close());
  return server.listen({ port: 0 });
};

describe("an answer", () => {
  it("that takes too long becomes a 503, and what makes it is told to stop", async () => {
    let signal: AbortSignal | undefined;
    const answerInTime = answerWithin(100);
    const url = await serve((server) => {
      server.post("/", (_request, reply) =>
        answerInTime(reply, ({ abandoned }) => {
          signal = abandoned;
          return new Promise(() => {});
        }),
      );
    });
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await answer.json()).toEqual(busy(5));
    expect(signal?.aborted).toBe(true);
  });

  it("that nobody waits for any more is given up, and no other", async () => {
    const signals: AbortSignal[] = [];
    const answerInTime = answerWithin(60_000);
    const url = await serve((server) => {
      server.post("/", (_request, reply) =>
        answerInTime(reply, ({ abandoned }) => {
          signals.push(abandoned);
          return signals.length === 1 ? Promise.resolve("served") : new Promise(() => {});
        }),
      );
    });
    const post = (signal: AbortSignal | null = null) =>
      fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: "{}", signal });
    expect(await (await post()).text()).toBe("served");
    const leaving = new AbortController();
    const left = post(leaving.signal).catch((error: Error) => error.name);
    await until(() => signals.length === 2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    leaving.abort();
    expect(await left).toBe("AbortError");
    await until(() => signals[1]?.aborted === true);
    expect(signals[0]?.aborted).toBe(false);
  });

  it("is known to be given up also by who asks for the first time afterwards", async () => {
    const answerInTime = answerWithin(60_000);
    const leaving = new AbortController();
    let abandonment: boolean | undefined;
    const url = await serve((server) => {
      server.post("/", (_request, reply) =>
        answerInTime(reply, async (waiting) => {
          leaving.abort();
          await once(reply.raw, "close");
          abandonment = waiting.abandoned.aborted;
        }),
      );
    });
    const left = fetch(url, { method: "POST", signal: leaving.signal });
    await expect(left).rejects.toThrow("aborted");
    await until(() => abandonment === true);
  });
});

const expectRefusals = async (url: string) => {
  await until(async () => (await fetch(url)).status === 503);
  const answer = await fetch(url);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await answer.json()).toEqual(busy(1));
  const ready = await fetch(`${url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([503, busy(1)]);
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
};

describe("under pressure", () => {
  const roomy = defaultPressureLimits();

  /** A server beyond a limit. @returns its URL, and begins an operation that is not answered before `finish` */
  const beyond = async (limit: keyof PressureLimits) => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<string>();
    let begun = 0;
    const url = await serve(async (server) => {
      await refuseUnderPressure(server, { ...roomy, [limit]: 1e-9 });
      registerHealth(server, async () => {});
      server.get("/", async () => "served");
      server.post("/", () => {
        begun += 1;
        return finished;
      });
    });
    const begin = async (count: number) => {
      const answers = Array.from({ length: count }, () => fetch(url, { method: "POST" }));
      await until(() => begun === count);
      return answers;
    };
    return { url, begin, finish: () => finish("served") };
  };

  it("requests are refused while the event loop is late, /health/ready with them, while /health/live answers", async () => {
    const { url } = await beyond("maxEventLoopDelay");
    await expectRefusals(url);
  });

  it.each(["maxHeapUsedBytes", "maxRssBytes"] as const)(
    "requests are refused beyond %s while ten are being answered, and no longer",
    async (limit) => {
      const { url, begin, finish } = await beyond(limit);
      const answers = await begin(10);
      await expectRefusals(url);
      finish();
      for (const answer of answers) expect((await answer).status).toBe(200);
      // The process is still beyond its limit.
      for (const path of ["/", "/health/ready"]) expect((await fetch(url + path)).status).toBe(200);
      expect((await fetch(url, { method: "POST" })).status).toBe(200);
    },
  );

  it("is far from a quiet process", async () => {
    const { heapUsed, rss } = process.memoryUsage();
    expect(roomy.maxHeapUsedBytes).toBeGreaterThan(heapUsed);
    expect(roomy.maxRssBytes).toBeGreaterThan(rss);
    expect(Number.isFinite(roomy.maxRssBytes)).toBe(true);
  });
});
