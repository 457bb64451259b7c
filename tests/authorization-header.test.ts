import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { startGateway } from "./support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "./support/gateway.ts";
import { reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ RATE_LIMIT: "on", RATE_LIMIT_ADDRESS: "5/1h" });
});
afterAll(() => gateway.close());

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  await gateway.sql("truncate attempts");
  tokens = await register(gateway, ada);
});

const me = "{ me { username } }";

/** Sends a header more than once, as fetch does not. */
async function send(query: string, headers: Record<string, string | string[]>): Promise<GraphqlAnswer> {
  const sent = request(`${gateway.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
  });
  sent.end(JSON.stringify({ query }));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  let body = "";
  for await (const text of answer.setEncoding("utf8") as AsyncIterable<string>) body += text;
  return { status: answer.statusCode, ...JSON.parse(body) };
}

describe("two Authorization headers at /graphql", () => {
  it("are refused where a user is needed, whichever of them is good", async () => {
    const good = `Token ${tokens.token}`;
    for (const two of [
      [good, "Token x"],
      ["Token x", good],
      [good, good],
      ["Basic YTpi", good],
      [good, ""],
    ]) {
      expect(reasonOf(await send(me, { authorization: two }))).toBe("TOKEN_INVALID");
      expect(reasonOf(await send("mutation { logout { revokedSessions } }", { authorization: two }))).toBe(
        "TOKEN_INVALID",
      );
    }
    expect((await send(me, { authorization: good })).data).toEqual({ me: { username: "ada" } });
  });

  it("block nothing that needs no user", async () => {
    const login = `mutation { login(input: { username: "ada", password: "${ada.password}" }) { user { id } } }`;
    const authorization = [`Token ${tokens.token}`, "Token x"];
    expect((await send(login, { authorization })).errors).toBeUndefined();
  });
});

/** As Hasura sends it: no HTTP parser has touched the header. */
const hook = async (Authorization: string) => {
  const answer = await fetch(`${gateway.url}/auth/verify`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ headers: { Authorization } }),
  });
  return answer.status;
};

describe("white space around a token", () => {
  it("is no part of a header that counts, but for spaces", async () => {
    const { token } = tokens;
    for (const space of ["\t", "\n", "\r", "\v", "\f", "\u00a0", "\u2003", "\ufeff"]) {
      for (const header of [`Token ${token}${space}`, `Token${space}${token}`, `Token ${space}${token}`])
        expect([header, await hook(header)]).toEqual([header, 401]);
      for (const header of [`${space}Token ${token}`, `Token ${token}${space} `])
        expect([header, await hook(header)]).toEqual([header, 401]);
    }
    expect(await hook(`Token  ${token} `)).toBe(200);
    expect(reasonOf(await send(me, { authorization: `Token\t${token}` }))).toBe("TOKEN_MISSING");
  });

  it("makes a refresh token one of nobody", async () => {
    const refresh = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }";
    for (const t of [`${tokens.refreshToken}\t`, ` ${tokens.refreshToken}`])
      expect(reasonOf(await gateway.graphql(refresh, { t }))).toBe("TOKEN_INVALID");
  });
});

describe("the other spelling of an ES256 signature", () => {
  it("is as good as the first, and ends with the same session", async () => {
    const other = otherSpelling(tokens.token);
    expect(other).not.toBe(tokens.token);
    for (const token of [tokens.token, other, tokens.token, other])
      expect((await gateway.graphql(me, {}, `Token ${token}`)).data).toEqual({ me: { username: "ada" } });
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${other}`);
    for (const token of [tokens.token, other])
      expect(reasonOf(await gateway.graphql(me, {}, `Token ${token}`))).toBe("TOKEN_REVOKED");
  });

  it("gets no attempts of its own at a refresh", async () => {
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${tokens.token}`);
    const spellings = [tokens.refreshToken, otherSpelling(tokens.refreshToken)];
    const codes: string[] = [];
    for (let index = 0; index < 12; index++) {
      const document = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }";
      const { errors } = await gateway.graphql(document, { t: spellings[index % 2] });
      codes.push(errors?.[0].extensions.code);
    }
    expect(codes.filter((code) => code === "UNAUTHENTICATED")).toHaveLength(5);
    expect(codes.at(-1)).toBe("TOO_MANY_REQUESTS");
  });
});

/** (r, n - s) in place of (r, s), where n is the order of P-256 (FIPS 186-5): both are valid. */
function otherSpelling(token: string): string {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [header, claims, signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  const s = (n - BigInt(`0x${bytes.toString("hex", 32)}`)).toString(16).padStart(64, "0");
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s, "hex")]);
  return `${header}.${claims}.${other.toString("base64url")}`;
}
