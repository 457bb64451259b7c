import { composeServices } from "@apollo/composition";
import { createGatewayRuntime } from "@graphql-hive/gateway-runtime";
import type { GatewayRuntime } from "@graphql-hive/gateway-runtime";
import { createRemoteJwksSigningKeyProvider, extractFromHeader, useJWT } from "@graphql-mesh/plugin-jwt-auth";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "graphql";
import jwt from "jsonwebtoken";
import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { startPostsSubgraph, postsTypeDefs } from "./posts-subgraph.ts";
import type { PostsSubgraph } from "./posts-subgraph.ts";
import { askGateway } from "./client.ts";

let gatehouse: Gateway;
let posts: PostsSubgraph;
let hive: GatewayRuntime;
let server: Server;
let url: string;
/** What reached the subgraphs, by name. */
const forwarded: { subgraph: string; authorization: string | null }[] = [];

beforeAll(async () => {
  gatehouse = await startGateway({ INTROSPECTION: "off", TRUST_PROXY: "2" });
  posts = await startPostsSubgraph();
  const { supergraphSdl } = composeServices([
    {
      name: "accounts",
      url: `${gatehouse.url}/graphql`,
      typeDefs: parse(readFileSync(new URL("../../subgraph.graphql", import.meta.url), "utf8")),
    },
    { name: "posts", url: posts.url, typeDefs: postsTypeDefs },
  ]);
  if (!supergraphSdl) throw new Error("The subgraphs do not compose.");
  // As docs/integrations/federation.md has it.
  hive = createGatewayRuntime({
    supergraph: supergraphSdl,
    propagateHeaders: {
      fromClientToSubgraphs({ request, context, subgraphName }) {
        const authorization = request.headers.get("authorization");
        forwarded.push({ subgraph: subgraphName, authorization });
        const { req } = context as unknown as { req: IncomingMessage };
        return {
          authorization,
          "user-agent": request.headers.get("user-agent"),
          "x-forwarded-for": [request.headers.get("x-forwarded-for"), req.socket.remoteAddress]
            .filter(Boolean)
            .join(", "),
        };
      },
    },
    // The types of the plugin come with a copy of Hive's logger of their own.
    plugins: () => [
      useJWT({
        signingKeyProviders: [
          createRemoteJwksSigningKeyProvider({
            jwksUri: `${gatehouse.url}/.well-known/jwks.json`,
            rateLimit: true,
          }),
        ],
        tokenLookupLocations: [extractFromHeader({ name: "authorization" })],
        tokenVerification: { issuer: "gatehouse", audience: "gatehouse", algorithms: ["ES256"] },
        reject: { missingToken: false, invalidToken: true },
        forward: { payload: true },
      }) as never,
    ],
    logging: false,
  });
  server = createServer((request, response) => void hive(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await hive.dispose();
  await posts.close();
  await gatehouse.close();
});

const ask = (query: string, variables?: object, authorization?: string) =>
  askGateway(url, query, variables, authorization);

const document = "{ me { username email posts { title author { username } } } }";

/** Signs up through the gateway, and writes a post. */
async function signUp(username: string) {
  const input = { email: `${username}@example.com`, username, password: "correct horse" };
  const { data, errors } = await ask(
    "mutation ($input: RegisterInput!) { register(input: $input) { user { id } token refreshToken } }",
    { input },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  posts.posts.push({ id: username, title: `By ${username}`, authorId: data.register.user.id });
  return { ...input, token: String(data.register.token), refreshToken: String(data.register.refreshToken) };
}

/** A token as another Gatehouse with the same keys issues it. */
async function tokenOf(environment: Record<string, string>, username: string): Promise<string> {
  const other = await startGateway({
    DATABASE_URL: gatehouse.databaseUrl,
    JWT_SECRET: gatehouse.jwtSecret,
    ...environment,
  });
  const { data } = await other.graphql("mutation ($input: LoginInput!) { login(input: $input) { token } }", {
    input: { username, password: "correct horse" },
  });
  await other.close();
  return data.login.token as string;
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

describe("behind Hive Gateway, which verifies tokens by our keys", () => {
  it.each(["Bearer", "Token"])("a client signs up and in, and reads across both (%s)", async (scheme) => {
    const { username, email, password } = await signUp(`ada-${scheme}`);
    const { data } = await ask("mutation ($input: LoginInput!) { login(input: $input) { token } }", {
      input: { username, password },
    });
    const answer = await ask(document, {}, `${scheme} ${data.login.token}`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toEqual({
      me: { username, email, posts: [{ title: `By ${username}`, author: { username } }] },
    });
  });

  it("the authors of posts have names, and no more", async () => {
    const { token } = await signUp("grace");
    await signUp("joan");
    const query = "{ posts { author { username bio } } }";
    const { data, errors } = await ask(query, {}, `Bearer ${token}`);
    expect(data.posts.slice(-2)).toEqual([
      { author: { username: "grace", bio: null } },
      { author: { username: "joan", bio: null } },
    ]);
    const forbidden = errors?.filter(({ extensions }) => extensions.code === "FORBIDDEN") ?? [];
    expect(forbidden).toHaveLength(data.posts.length - 1);
  });

  it("a session shows the client, not the gateway", async () => {
    await signUp("seen");
    const sessions = await gatehouse.sql(
      "select s.ip, s.user_agent from sessions s join users u on u.id = s.user_id where u.username = 'seen'",
    );
    expect(sessions).toEqual([{ ip: "203.0.113.7", user_agent: "Client/1.0" }]);
  });

  it("field errors arrive as they are", async () => {
    await signUp("taken");
    const register = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    const input = { email: "nonsense", username: "taken", password: "short" };
    const { errors } = await ask(register, { input });
    const direct = await gatehouse.graphql(register, { input });
    expect(errors).toHaveLength(1);
    const extensions = direct.errors?.[0].extensions;
    expect(errors?.[0]).toMatchObject({
      message: direct.errors?.[0].message,
      extensions: {
        code: "BAD_USER_INPUT",
        errors: extensions.errors,
        errorCodes: extensions.errorCodes,
      },
    });
    expect(Object.keys(errors?.[0].extensions.errors)).toEqual(["email", "username", "password"]);
  });

  it("a bad token is refused at the gateway", async () => {
    const { username, token, refreshToken } = await signUp("eve");
    const [, payload = "", signature = ""] = token.split(".");
    const { header, payload: claims } = jwt.decode(token, { complete: true }) as jwt.Jwt;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { keys } = (await (await fetch(`${gatehouse.url}/.well-known/jwks.json`)).json()) as {
      keys: JsonWebKey[];
    };
    const publicPem = createPublicKey({ key: keys[0] as JsonWebKey, format: "jwk" })
      .export({ type: "spki", format: "pem" })
      .toString();
    const hmacHeader = { ...header, alg: "HS256" };
    const signedByPublicKey = `${encoded(hmacHeader)}.${payload}`;
    const expired = await tokenOf({ ACCESS_TOKEN_TTL: "1s" }, username);
    const { exp = 0 } = jwt.decode(expired) as jwt.JwtPayload;
    await until(() => Date.now() / 1000 > exp);

    const bad = {
      nonsense: "nonsense",
      expired,
      forged: jwt.sign(claims, privateKey, { algorithm: "ES256", header }),
      "by an unknown key": jwt.sign(claims, privateKey, { algorithm: "ES256", keyid: "unknown" }),
      tampered: `${encoded(header)}.${encoded({ ...(claims as object), sub: "another" })}.${signature}`,
      unsigned: `${encoded({ ...header, alg: "none" })}.${payload}.`,
      "signed by the public key": `${signedByPublicKey}.${createHmac("sha256", publicPem).update(signedByPublicKey).digest("base64url")}`,
      "of another issuer": await tokenOf({ JWT_ISSUER: "another" }, username),
      "for another audience": await tokenOf({ JWT_AUDIENCE: "another" }, username),
      "a refresh token": refreshToken,
    };
    for (const [name, value] of Object.entries(bad)) {
      forwarded.length = 0;
      const answer = await ask(document, {}, `Bearer ${value}`);
      expect({ name, data: answer.data ?? null, forwarded }).toEqual({ name, data: null, forwarded: [] });
      expect(answer.errors).toHaveLength(1);
    }
    expect((await ask(document, {}, `Bearer ${token}`)).data.me.username).toBe("eve");
    expect(forwarded).not.toEqual([]);
  });

  it("a signed-out token is refused by Gatehouse, with the reason", async () => {
    const { token } = await signUp("left");
    await ask("mutation { logout { revokedSessions } }", {}, `Bearer ${token}`);
    const { data, errors } = await ask(document, {}, `Bearer ${token}`);
    expect(data).toEqual({ me: null });
    expect(errors?.[0].extensions).toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_REVOKED" });
  });
});
