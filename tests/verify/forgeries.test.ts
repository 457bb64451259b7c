import { generateKeyPairSync, KeyObject } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Verifier } from "../../src/verify/verifier.ts";
import { malformedTokens } from "../support/malformed-tokens.ts";
import { strangerForgeries } from "../support/stranger-forgeries.ts";
import { encoded, signerOf, takeApart } from "../support/token-forger.ts";
import type { Original } from "../support/token-forger.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { makeKey, sign } from "./tokens.ts";
import { closeAll, keysOnlyVerifierFor, refusal } from "./verifiers.ts";

// Several services may be meant by one token (RFC 7519, 4.1.3), though the gateway makes none like that.
const forUs = (name: string) => name.startsWith('claims {"aud":["shop"');

// The forgeries that the gateway is tested with (tests/security/jwt-forgeries.test.ts): RFC 8725, 7515 and 7519.
describe.each(["ES256", "RS256", "PS256"])("forged tokens, %s", (algorithm) => {
  let gateway: FakeGateway;
  let verifier: Verifier;
  let original: Original;

  beforeAll(async () => {
    gateway = await FakeGateway.start(await makeKey(algorithm));
    verifier = keysOnlyVerifierFor(gateway);
    const { privateKey } = gateway.key;
    original = takeApart(await sign(gateway.key), signerOf(algorithm, KeyObject.from(privateKey)));
  });
  afterAll(closeAll);

  it("made without the key are TOKEN_INVALID", async () => {
    const forgeries = strangerForgeries(original, gateway.key.publicJwk);
    for (const [name, token] of Object.entries(forgeries))
      expect({ name, reason: await refusal(verifier, token) }).toEqual({ name, reason: "TOKEN_INVALID" });
  });

  it("signed by the true key and malformed are TOKEN_INVALID or TOKEN_EXPIRED", async () => {
    const malformed = malformedTokens(original);
    for (const [name, [token, expected]] of Object.entries(malformed))
      expect({ name, reason: await refusal(verifier, token) }).toEqual({
        name,
        reason: forUs(name) ? undefined : expected,
      });
  });

  it("are not needed for the check itself: what the forger signs without a change is taken", async () => {
    const input = original.parts.slice(0, 2).join(".");
    expect(await refusal(verifier, `${input}.${original.signed(input)}`)).toBeUndefined();
  });
});

it("a published key that is too short for RFC 7518 verifies nothing", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const gateway = await FakeGateway.start();
  const kid = "short";
  gateway.published.push({ ...publicKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" });
  const { parts } = takeApart(await sign(gateway.key), signerOf("RS256", privateKey));
  const input = `${encoded(JSON.stringify({ alg: "RS256", kid, typ: "at+jwt" }))}.${parts[1]}`;
  const token = `${input}.${signerOf("RS256", privateKey)(input)}`;
  expect(await refusal(keysOnlyVerifierFor(gateway), token)).toBe("TOKEN_INVALID");
  await closeAll();
});
