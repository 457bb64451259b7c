import { createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { unauthenticatedMessages } from "../../src/errors.ts";
import { exportJWK, importJWK } from "jose";
import { createVerifier, VerificationError } from "../../src/verify/verifier.ts";
import type { Verifier } from "../../src/verify/verifier.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { audience, issuer, makeKey, sign } from "./tokens.ts";
import { closeAll, keysOnlyVerifierFor, refusal } from "./verifiers.ts";

let gateway: FakeGateway;
let verifier: Verifier;

beforeAll(async () => {
  gateway = await FakeGateway.start();
  verifier = keysOnlyVerifierFor(gateway);
});

afterAll(closeAll);

describe("an access token", () => {
  it("gives its claims, those of CLAIMS_NAMESPACE included", async () => {
    const typed = createVerifier<{ role: string }>({ issuer, audience, jwksUri: gateway.jwksUri });
    const [sub, sid] = [randomUUID(), randomUUID()];
    const claims = await typed.verify(await sign(gateway.key, { sub, sid, role: "editor" }));
    typed.close();
    expect(claims).toEqual({
      iss: issuer,
      aud: audience,
      sub,
      sid,
      jti: "1",
      iat: claims.exp - 900,
      exp: claims.exp,
      role: "editor",
    });
    expect(claims.role.toUpperCase()).toBe("EDITOR");
  });

  it.each(["ES256", "RS256", "PS256"])("may be signed by %s", async (alg) => {
    const other = await FakeGateway.start(await makeKey(alg));
    expect(await refusal(keysOnlyVerifierFor(other), await sign(other.key))).toBeUndefined();
  });

  it("is for this service and of this gateway", async () => {
    const either = keysOnlyVerifierFor(gateway, { audience: [audience, `${audience}/upstream`] });
    for (const aud of [audience, `${audience}/upstream`, [audience]])
      expect(await refusal(either, await sign(gateway.key, { aud }))).toBeUndefined();
    expect(await refusal(either, await sign(gateway.key, { aud: "blog" }))).toBe("TOKEN_INVALID");
    expect(await refusal(verifier, await sign(gateway.key, { aud: ["blog", audience] }))).toBeUndefined();
    for (const claims of [
      { iss: "https://evil.example" },
      { iss: undefined },
      { aud: "blog" },
      { aud: undefined },
    ])
      expect(await refusal(verifier, await sign(gateway.key, claims))).toBe("TOKEN_INVALID");
  });

  it("names a user, a session and its end", async () => {
    for (const claims of [{ sub: undefined }, { sub: 7 }, { sid: undefined }, { sid: 7 }, { exp: undefined }])
      expect(await refusal(verifier, await sign(gateway.key, claims))).toBe("TOKEN_INVALID");
  });

  it("has the type of one", async () => {
    for (const typ of ["rt+jwt", "revoked-sessions+jwt", "JWT", undefined])
      expect(await refusal(verifier, await sign(gateway.key, {}, { typ }))).toBe("TOKEN_INVALID");
  });

  it("expires", async () => {
    const exp = Math.floor(Date.now() / 1000) - 1;
    expect(await refusal(verifier, await sign(gateway.key, { exp }))).toBe("TOKEN_EXPIRED");
  });
});

describe("what is not an access token", () => {
  it.each([undefined, ""])("is missing: %j", async (token) => {
    expect(await refusal(verifier, token)).toBe("TOKEN_MISSING");
  });

  it.each(["x", "a.b.c", "..", "é.é.é", "a".repeat(20_000_000)])("is invalid: %#", async (token) => {
    expect(await refusal(verifier, token)).toBe("TOKEN_INVALID");
  });

  it("is signed by another key under the name of ours", async () => {
    const { kid } = gateway.key;
    const forged = await sign(await makeKey("ES256"), {}, { kid });
    expect(await refusal(verifier, forged)).toBe("TOKEN_INVALID");
  });

  it("is not signed at all, or by the public key as a secret", async () => {
    const [, payload] = (await sign(gateway.key)).split(".");
    const { kid } = gateway.key;
    const unsigned = `${encoded({ alg: "none", typ: "at+jwt", kid })}.${payload}.`;
    expect(await refusal(verifier, unsigned)).toBe("TOKEN_INVALID");
    const signed = `${encoded({ alg: "HS256", typ: "at+jwt", kid })}.${payload}`;
    for (const secret of [JSON.stringify(gateway.key.publicJwk), gateway.key.publicJwk.x ?? ""]) {
      const signature = createHmac("sha256", secret).update(signed).digest("base64url");
      expect(await refusal(verifier, `${signed}.${signature}`)).toBe("TOKEN_INVALID");
    }
  });

  it("names no key", async () => {
    expect(await refusal(verifier, await sign(gateway.key, {}, { kid: undefined }))).toBe("TOKEN_INVALID");
  });
});

describe("a key", () => {
  it("is for the one algorithm that it names", async () => {
    const rsa = await makeKey("RS256");
    const other = await FakeGateway.start(rsa);
    const strict = keysOnlyVerifierFor(other);
    expect(await refusal(strict, await sign(rsa))).toBeUndefined();
    const { kid, privateKey } = rsa;
    const samePrivateKey = await importJWK(await exportJWK(privateKey), "PS256");
    const pss = { ...rsa, alg: "PS256", privateKey: samePrivateKey as typeof privateKey };
    expect(await refusal(strict, await sign(pss, {}, { kid }))).toBe("TOKEN_INVALID");
  });

  it("that names none, or one that is not ours, is not used", async () => {
    const es384 = await makeKey("ES384");
    const other = await FakeGateway.start(es384);
    const { alg: _, ...nameless } = gateway.key.publicJwk;
    other.published.push(nameless);
    const strict = keysOnlyVerifierFor(other);
    expect(await refusal(strict, await sign(es384))).toBe("TOKEN_INVALID");
    expect(await refusal(strict, await sign(gateway.key))).toBe("TOKEN_INVALID");
  });
});

describe("the package", () => {
  it("says it in the words of the API", () => {
    for (const [reason, message] of Object.entries(unauthenticatedMessages).slice(0, 4))
      expect(new VerificationError(reason as "TOKEN_MISSING").message).toBe(message);
  });

  it("wants to know whose tokens, and for whom", () => {
    const { jwksUri } = gateway;
    expect(() => createVerifier({ issuer: "", audience, jwksUri })).toThrow(TypeError);
    expect(() => createVerifier({ issuer, audience: [], jwksUri })).toThrow(TypeError);
    expect(() => createVerifier({ issuer, jwksUri } as never)).toThrow(TypeError);
    expect(() => createVerifier({ issuer, audience, jwksUri: "accounts.example.com" })).toThrow(TypeError);
    expect(() => createVerifier({ issuer, audience, jwksUri, revocations: "" })).toThrow(TypeError);
    expect(() => createVerifier({ issuer, audience, jwksUri, maxStaleness: 5 })).toThrow(TypeError);
  });
});

function encoded(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}
