import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { until } from "../support/until.ts";
import { FakeGateway, packed } from "./fake-gateway.ts";
import { makeKey, sign } from "./tokens.ts";
import { closeAll, impatient, refusal, verifierFor } from "./verifiers.ts";

const statementType = { typ: "revoked-sessions+jwt" };
const ofStatement = { sub: undefined, sid: undefined, aud: undefined, jti: undefined };

let gateway: FakeGateway;
let sid: string;
let token: string;

beforeEach(async () => {
  gateway = await FakeGateway.start();
  sid = randomUUID();
  token = await sign(gateway.key, { sid });
});

afterEach(closeAll);

it.each([
  ["a wrong key", async (sids: string[]) => statement(sids, await makeKey("ES256"), gateway.key.kid)],
  ["an unknown key", async (sids: string[]) => statement(sids, await makeKey("ES256"))],
  ["a wrong type", async (sids: string[]) => sign(gateway.key, { ...ofStatement, sids: packed(sids) })],
  [
    "another issuer",
    async (sids: string[]) => statementWith({ iss: "https://evil.example", sids: packed(sids) }),
  ],
  ["an old list", async (sids: string[]) => statementWith({ exp: 1, sids: packed(sids) })],
  ["a list without an end", async (sids: string[]) => statementWith({ exp: undefined, sids: packed(sids) })],
  ["no list", async () => statementWith({})],
  ["half an id", async () => statementWith({ sids: packed([sid]).slice(0, 8) })],
  ["no base64url", async () => statementWith({ sids: `${packed([sid])}\\n=` })],
  ["half a user", async () => statementWith({ sids: "", subs: packed([randomUUID()]) })],
  ["users that are no text", async () => statementWith({ sids: "", subs: [randomUUID()] })],
  ["a time that is none", async () => statementWith({ sids: "", all: "1" })],
  ["no signature", async (sids: string[]) => unsigned(await statementWith({ sids: packed(sids) }))],
  ["no statement", async () => "<html>"],
])("a lie is no word: %s", async (_, lie) => {
  const honest = gateway.signStatement;
  gateway.signStatement = lie;
  const errors: unknown[] = [];
  const verifier = verifierFor(gateway, { timings: impatient, onError: (error) => errors.push(error) });
  expect(await refusal(verifier, token)).toBe("VERIFIER_UNAVAILABLE");
  expect(verifier.staleness()).toBe(Infinity);
  expect(errors.length).toBeGreaterThan(1);
  gateway.signStatement = honest;
  await until(async () => (await refusal(verifier, token)) === undefined);
});

it("a lie in the middle revokes nobody and takes nothing back; the stream is opened anew", async () => {
  gateway.revoked = [randomUUID()];
  const known = await sign(gateway.key, { sid: gateway.revoked[0] });
  const verifier = verifierFor(gateway);
  expect(await refusal(verifier, known)).toBe("TOKEN_REVOKED");
  for (const event of ["revoked", "snapshot"]) {
    await until(() => gateway.openStreams === 1);
    const { streams } = gateway.requests;
    await gateway.say(event, await statement([sid], await makeKey("ES256"), gateway.key.kid));
    await until(() => gateway.requests.streams > streams);
    expect(await refusal(verifier, token)).toBeUndefined();
    expect(await refusal(verifier, known)).toBe("TOKEN_REVOKED");
  }
});

async function statement(sids: string[], key: typeof gateway.key, kid = key.kid): Promise<string> {
  return sign(key, { ...ofStatement, sids: packed(sids) }, { ...statementType, kid });
}

async function statementWith(claims: Record<string, unknown>): Promise<string> {
  return sign(gateway.key, { ...ofStatement, ...claims }, statementType);
}

function unsigned(jwt: string): string {
  const header = { alg: "none", kid: gateway.key.kid, ...statementType };
  return `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${jwt.split(".")[1]}.`;
}
