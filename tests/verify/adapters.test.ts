import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, get as getBy } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import express from "express";
import fastify from "fastify";
import { createSchema, createYoga } from "graphql-yoga";
import type { AccessTokenClaims } from "../../src/verify/access-token-claims.ts";
import { apolloContext } from "../../src/verify/apollo.ts";
import { claimsOf, expressAuth } from "../../src/verify/express.ts";
import { fastifyAuth } from "../../src/verify/fastify.ts";
import { createVerifier } from "../../src/verify/verifier.ts";
import type { Verifier } from "../../src/verify/verifier.ts";
import { yogaAuth } from "../../src/verify/yoga.ts";
import { until } from "../support/until.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { audience, issuer, sign } from "./tokens.ts";

interface Context {
  claims: AccessTokenClaims;
}

const typeDefs = "type Query { whoAmI: String! }";
const resolvers = { Query: { whoAmI: (_: unknown, __: unknown, { claims }: Context) => claims.sub } };
const realm = `Bearer realm="gatehouse"`;
const invalid = `${realm}, error="invalid_token", error_description=`;
const closings: Array<() => Promise<unknown> | void> = [];

let gateway: FakeGateway;
let verifier: Verifier;
let blind: Verifier;

beforeAll(async () => {
  gateway = await FakeGateway.start();
  const { jwksUri, revocations } = gateway;
  verifier = createVerifier({ issuer, audience, jwksUri, revocations });
  blind = createVerifier({ issuer, audience, jwksUri });
  blind.close();
});

afterAll(async () => {
  for (const close of closings) await close();
  verifier.close();
  await gateway.stop();
});

/** Starts a service behind a verifier, and gives the URL that says whose token it was sent. */
type Service = (verifier: Verifier) => Promise<string>;

const apollo: Service = async (by) => {
  const server = new ApolloServer<Context>({ typeDefs, resolvers });
  const { url } = await startStandaloneServer(server, { context: apolloContext(by), listen: { port: 0 } });
  closings.push(() => server.stop());
  return `${url}?query={whoAmI}`;
};

const yoga: Service = async (by) => {
  const schema = createSchema<Context>({ typeDefs, resolvers });
  const server = createYoga({ schema, plugins: [yogaAuth(by)], logging: false });
  return `${await listen((request, response) => void server(request, response))}/graphql?query={whoAmI}`;
};

const overExpress: Service = async (by) => {
  const app = express();
  app.use(expressAuth(by));
  app.get("/", (request, response) => void response.end(claimsOf(request).sub));
  return listen(app);
};

const overFastify: Service = async (by) => {
  const app = fastify();
  app.addHook("onRequest", fastifyAuth(by));
  app.get("/", (request) => claimsOf(request).sub);
  closings.push(() => app.close());
  return app.listen({ port: 0 });
};

describe.each([
  ["Apollo Server", apollo, "Context creation failed: "],
  ["GraphQL Yoga", yoga, ""],
  ["Express", overExpress, ""],
  ["Fastify", overFastify, ""],
] as const)("%s", (_, start, prefix) => {
  let url: string;

  beforeAll(async () => {
    url = await start(verifier);
  });

  it.each(["Bearer", "Token", "bearer"])("knows whose token it is: %s", async (scheme) => {
    const sub = randomUUID();
    const answer = await get(url, `${scheme} ${await sign(gateway.key, { sub })}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(sub);
  });

  it("answers 401 with a challenge and the reason", async () => {
    const sid = randomUUID();
    gateway.revoked.push(sid);
    await gateway.say("revoked", await gateway.signStatement([sid]));
    const revoked = await sign(gateway.key, { sid });
    await until(() =>
      verifier.verify(revoked).then(
        () => false,
        () => true,
      ),
    );
    const cases = [
      ["TOKEN_MISSING", undefined, realm],
      ["TOKEN_MISSING", "Basic YTpi", realm],
      ["TOKEN_INVALID", "Bearer x.y.z", `${invalid}"Invalid authentication. Could not decode token."`],
      ["TOKEN_EXPIRED", `Bearer ${await sign(gateway.key, { exp: 1 })}`, `${invalid}"Token has expired."`],
      ["TOKEN_REVOKED", `Bearer ${revoked}`, `${invalid}"Token has been revoked."`],
    ] as const;
    for (const [reason, authorization, challenge] of cases) {
      const { status, headers, body } = await get(url, authorization);
      expect([status, headers.get("www-authenticate")]).toEqual([401, challenge]);
      expect(errorsIn(body)).toMatchObject([{ extensions: { code: "UNAUTHENTICATED", reason } }]);
      if (reason === "TOKEN_EXPIRED") expect(errorsIn(body)[0]?.message).toBe(`${prefix}Token has expired.`);
      expect(body).not.toContain("data");
    }
  });

  it("refuses two Authorization headers, whichever of them is good", async () => {
    const two = [`Bearer ${await sign(gateway.key)}`, "Bearer x"];
    for (const authorization of [two, two.toReversed(), [two[0], two[0]]]) {
      const { status, body } = await getWithHeaders(url, { authorization: authorization as string[] });
      expect(status).toBe(401);
      expect(errorsIn(body)).toMatchObject([{ extensions: { reason: "TOKEN_INVALID" } }]);
    }
  });

  it("answers 503 where the token cannot be judged", async () => {
    const { status, headers, body } = await get(await start(blind), `Bearer ${await sign(gateway.key)}`);
    expect([status, headers.get("retry-after"), headers.get("www-authenticate")]).toEqual([503, "5", null]);
    expect(errorsIn(body)).toMatchObject([
      { extensions: { code: "SERVICE_UNAVAILABLE", reason: "VERIFIER_UNAVAILABLE" } },
    ]);
  });
});

it("knows no claims of a request that did not pass an adapter", () => {
  expect(() => claimsOf({})).toThrow("is the adapter in place?");
});

async function get(url: string, authorization?: string) {
  const headers = { "apollo-require-preflight": "true", ...(authorization && { authorization }) };
  const answer = await fetch(url, { headers });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

/** Sends a header more than once, as fetch does not. */
async function getWithHeaders(url: string, headers: Record<string, string[]>) {
  const sent = getBy(encodeURI(url), { headers: { "apollo-require-preflight": "true", ...headers } });
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  let body = "";
  for await (const text of answer.setEncoding("utf8") as AsyncIterable<string>) body += text;
  return { status: answer.statusCode, body };
}

function errorsIn(body: string): Array<{ message: string }> {
  return (JSON.parse(body) as { errors: Array<{ message: string }> }).errors;
}

async function listen(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closings.push(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
