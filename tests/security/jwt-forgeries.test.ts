import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JsonWebKey } from "node:crypto";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { malformedTokens } from "../support/malformed-tokens.ts";
import { reasonOf, register } from "../support/operations.ts";
import type { Tokens } from "../support/operations.ts";
import { startStatementRelay } from "../support/statement-relay.ts";
import type { StatementRelay } from "../support/statement-relay.ts";
import { strangerForgeries } from "../support/stranger-forgeries.ts";
import { encoded, takeApart, trueSigner } from "../support/token-forger.ts";
import type { TrueSigner } from "../support/token-forger.ts";

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const everyAccessDoor = (reason: string) => ({ me: reason, logout: reason, verify: reason });
const everyRefreshDoor = (reason: string) => ({ refreshToken: reason, logout: reason });

// RFC 8725 (JWT best current practices), RFC 7515 and 7519.
describe.each(["ES256", "RS256", "PS256", "HS256"])("forged tokens, %s", (algorithm) => {
  let databaseUrl: string;
  let relay: StatementRelay;
  let gateway: Gateway;
  let tokens: Tokens;
  let signed: TrueSigner;
  let publicJwk: JsonWebKey | undefined;

  beforeAll(async () => {
    databaseUrl = await createDatabase();
    relay = await startStatementRelay(databaseUrl);
    gateway = await startGateway({
      DATABASE_URL: relay.url,
      JWT_ALGORITHM: algorithm,
      RATE_LIMIT: "off",
    });
    tokens = await register(gateway, ada);
    signed = await trueSigner(gateway);
    const answer = await fetch(`${gateway.url}/.well-known/jwks.json`);
    publicJwk = ((await answer.json()) as { keys: JsonWebKey[] }).keys[0];
  });
  afterAll(async () => {
    await gateway.close();
    await relay.close();
    await dropDatabase(databaseUrl);
  });

  /** What each door says of an access token. */
  const accessDoors = async (token: string) => ({
    me: reasonOf(await gateway.graphql("{ me { id } }", {}, `Token ${token}`)),
    logout: reasonOf(await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Bearer ${token}`)),
    verify: await verify(token),
  });
  const verify = async (token: string) => {
    const answer = await fetch(`${gateway.url}/auth/verify`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(401);
    return reasonOf((await answer.json()) as never);
  };

  /** What each door says of a refresh token. */
  const refreshDoors = async (refreshToken: string) => ({
    refreshToken: reasonOf(
      await gateway.graphql("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }", {
        t: refreshToken,
      }),
    ),
    logout: reasonOf(
      await gateway.graphql(
        "mutation ($t: JWT!) { logout(refreshToken: $t, scope: ALL) { revokedSessions } }",
        {
          t: refreshToken,
        },
      ),
    ),
  });

  /** Statements about anybody's account or session; the rest goes on beside requests. */
  const asked = () =>
    relay.statements.filter((text) => /\busers\b|update sessions|select from sessions/.test(text));

  /** Nothing was asked of the database, nothing is wrong in the log's eyes, and the true session lives on. */
  const nothingHappens = async (attempts: () => Promise<void>) => {
    const before = asked().length;
    const lines = gateway.log.length;
    await attempts();
    expect(asked().slice(before)).toEqual([]);
    const loud = gateway.log.slice(lines).filter((line) => JSON.parse(line).level > 30);
    expect(loud).toEqual([]);
    // What asks is seen.
    gateway.app.liveSessions.forget("*");
    const { data } = await gateway.graphql("{ me { username } }", {}, `Token ${tokens.token}`);
    expect(data.me).toEqual({ username: "ada" });
    expect(asked().length).toBeGreaterThan(before);
    const sessions = await gateway.sql("select refresh_generation, revoked_at from sessions");
    expect(sessions).toEqual([{ refresh_generation: 0, revoked_at: null }]);
  };

  it("made without the key are TOKEN_INVALID as access tokens (ASVS V9.1.1, V9.1.2, V9.1.3)", () =>
    nothingHappens(async () => {
      const forgeries = strangerForgeries(takeApart(tokens.token, signed), publicJwk);
      for (const [name, token] of Object.entries(forgeries))
        expect({ name, ...(await accessDoors(token)) }).toEqual({
          name,
          ...everyAccessDoor("TOKEN_INVALID"),
        });
    }));

  it("made without the key are TOKEN_INVALID as refresh tokens (ASVS V9.1.1, V9.1.2, V9.1.3)", () =>
    nothingHappens(async () => {
      const forgeries = strangerForgeries(takeApart(tokens.refreshToken, signed), publicJwk);
      const whiteSpace = [" ", "\n", "\t", "\u00a0", "\ufeff", "\0"].flatMap((space) => [
        [`${JSON.stringify(space)} before`, `${space}${tokens.refreshToken}`],
        [`${JSON.stringify(space)} behind`, `${tokens.refreshToken}${space}`],
        [`${JSON.stringify(space)} within`, tokens.refreshToken.replace(".", `.${space}`)],
      ]);
      const sizes = [16_385, 90_000].map((size) => [
        `${size} characters`,
        tokens.refreshToken.padEnd(size, "A"),
      ]);
      for (const [name, token = ""] of [...Object.entries(forgeries), ...whiteSpace, ...sizes])
        expect({ name, ...(await refreshDoors(token)) }).toEqual({
          name,
          ...everyRefreshDoor("TOKEN_INVALID"),
        });
    }));

  it("signed by the true key and malformed get TOKEN_INVALID or TOKEN_EXPIRED as access tokens (ASVS V9.2.1)", () =>
    nothingHappens(async () => {
      const malformed = malformedTokens(takeApart(tokens.token, signed));
      for (const [name, [token, reason]] of Object.entries(malformed))
        expect({ name, ...(await accessDoors(token)) }).toEqual({ name, ...everyAccessDoor(reason) });
    }));

  it("signed by the true key and malformed get TOKEN_INVALID or TOKEN_EXPIRED as refresh tokens", () =>
    nothingHappens(async () => {
      const original = takeApart(tokens.refreshToken, signed);
      const malformed = malformedTokens(original);
      const withClaims = (change: object): [string, string] => {
        const input = `${original.parts[0]}.${encoded(JSON.stringify({ ...original.claims, ...change }))}`;
        return [`${input}.${signed(input)}`, "TOKEN_INVALID"];
      };
      for (const gen of [undefined, null, "0", 0.5, -1, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 1e300, [0], true])
        malformed[`gen ${JSON.stringify(gen)}`] = withClaims({ gen });
      malformed["longer than any of ours"] = withClaims({ x: "x".repeat(16_384) });
      for (const [name, [token, reason]] of Object.entries(malformed))
        expect({ name, ...(await refreshDoors(token)) }).toEqual({ name, ...everyRefreshDoor(reason) });
    }));

  const otherWay = { RS256: "PS256", PS256: "RS256" }[algorithm];
  if (otherWay !== undefined)
    it(`signed by the true key as ${otherWay} are TOKEN_INVALID`, () =>
      nothingHappens(async () => {
        const signedOtherwise = await trueSigner(gateway, otherWay);
        const { header, parts } = takeApart(tokens.token, signed);
        for (const alg of [algorithm, otherWay]) {
          const input = `${encoded(JSON.stringify({ ...header, alg }))}.${parts[1]}`;
          const doors = await accessDoors(`${input}.${signedOtherwise(input)}`);
          expect(doors).toEqual(everyAccessDoor("TOKEN_INVALID"));
        }
      }));

  it("are not needed for the check itself: what the forger signs without a change is taken", async () => {
    const { parts } = takeApart(tokens.token, signed);
    const input = `${parts[0]}.${parts[1]}`;
    const again = await gateway.graphql("{ me { username } }", {}, `Token ${input}.${signed(input)}`);
    expect(again.data.me).toEqual({ username: "ada" });
  });

  it("are not made of the gateway's other tokens (ASVS V9.2.2)", () =>
    nothingHappens(async () => {
      // Who shares the secret gets no feed: nobody but the gateway could verify it.
      const answer = await fetch(`${gateway.url}/.well-known/revoked-sessions`);
      expect(answer.status).toBe(algorithm === "HS256" ? 404 : 200);
      const feed = answer.ok ? [await answer.text()] : [];
      for (const jwt of feed) expect(jwt.split(".")).toHaveLength(3);
      for (const token of [...feed, tokens.refreshToken])
        expect(await accessDoors(token)).toEqual(everyAccessDoor("TOKEN_INVALID"));
      for (const token of [...feed, tokens.token])
        expect(await refreshDoors(token)).toEqual(everyRefreshDoor("TOKEN_INVALID"));
    }));

  it("of a gateway of another name are TOKEN_INVALID, also under the same key (ASVS V9.2.3)", async () => {
    const shared = { DATABASE_URL: databaseUrl, JWT_ALGORITHM: algorithm, JWT_SECRET: gateway.jwtSecret };
    for (const name of [{ JWT_ISSUER: "gatehouse2" }, { JWT_AUDIENCE: "gatehouse2" }]) {
      const other = await startGateway({ ...shared, ...name, RATE_LIMIT: "off" });
      const answer = await other.graphql(
        `mutation { login(input: { username: "ada", password: "${ada.password}" }) { token refreshToken } }`,
      );
      await other.close();
      const { token, refreshToken } = answer.data.login as Tokens;
      expect(await accessDoors(token)).toEqual(everyAccessDoor("TOKEN_INVALID"));
      expect(await refreshDoors(refreshToken)).toEqual(everyRefreshDoor("TOKEN_INVALID"));
    }
  });
});
