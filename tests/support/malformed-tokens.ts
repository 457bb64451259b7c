import { encoded } from "./token-forger.ts";
import type { Original } from "./token-forger.ts";

/** Tokens that the true key has signed and that are still none of ours, and the reason that each gets. */
export function malformedTokens({
  header,
  claims,
  signed,
}: Original): Record<string, [token: string, reason: string]> {
  const sign = (headerPart: string, claimsPart: string) => {
    const input = `${headerPart}.${claimsPart}`;
    return `${input}.${signed(input)}`;
  };
  const headerText = JSON.stringify(header);
  const claimsText = JSON.stringify(claims);
  const withHeader = (change: object) =>
    sign(encoded(JSON.stringify({ ...header, ...change })), encoded(claimsText));
  const withClaims = (change: object) =>
    sign(encoded(headerText), encoded(JSON.stringify({ ...claims, ...change })));
  const withTexts = (first: string, second: string) => sign(encoded(first), encoded(second));
  const now = Math.floor(Date.now() / 1000);
  const other = header.typ === "at+jwt" ? "rt+jwt" : "at+jwt";

  const invalid: Record<string, string> = {
    ...each("header", withHeader, [
      { crit: [] },
      { crit: ["exp"] },
      { crit: ["b64"], b64: false },
      { b64: false },
      { zip: "DEF" },
      { cty: "JWT" },
      { jku: "https://evil.example.com/jwks.json" },
      { x5u: "https://evil.example.com/cert.pem" },
      { x5c: ["AA=="] },
      { jwk: { kty: "oct", k: "AA" } },
      { typ: "JWT" },
      { typ: "AT+JWT" },
      { typ: `application/${header.typ}` },
      { typ: [header.typ] },
      { typ: undefined },
      { typ: other },
      { typ: "revoked-sessions+jwt" },
      { alg: header.alg.toLowerCase() },
      ...["none", "HS256", "ES256", "ES384", "RS256", "PS256", "RS512"]
        .filter((alg) => alg !== header.alg)
        .map((alg) => ({ alg })),
      { kid: `${header.kid} ` },
    ]),
    ...each("claims", withClaims, [
      ...values("iss", "another", undefined, [claims["iss"]], "Gatehouse", "gatehouse/"),
      ...values("aud", "another", undefined, null, [], "GATEHOUSE", { 0: "gatehouse" }, [claims["aud"]]),
      ...values("aud", [claims["aud"], "another"], ["gatehouse", "gatehouse/refresh"]),
      ...values("sub", undefined, null, [claims["sub"]], String(claims["sub"]).toUpperCase(), ""),
      ...values("sid", undefined, null, [claims["sid"]], `{${String(claims["sid"])}}`),
      ...values(
        "exp",
        undefined,
        null,
        String(claims.exp),
        claims.exp + 0.5,
        [claims.exp],
        1e18,
        1e300,
        true,
      ),
      ...values("iat", undefined, null, String(claims.iat), claims.iat + 0.5, -1, 1e18),
      ...values("nbf", String(now), null, now + 60, 1e300, [now]),
      { iat: now + 86_400, exp: now + 86_399 },
    ]),
    "the other type under our audience": withTexts(JSON.stringify({ ...header, typ: other }), claimsText),
    "a member of the header twice": withTexts(headerText.replace("{", '{"typ":"JWT",'), claimsText),
    "the algorithm twice": withTexts(headerText.replace("{", '{"alg":"none",'), claimsText),
    "a claim twice": withTexts(headerText, claimsText.replace("{", '{"sub":"another",')),
    "a claim twice, one escaped": withTexts(headerText, claimsText.replace("{", '{"\\u0073ub":"another",')),
    "white space in the header": withTexts(` ${headerText}`, claimsText),
    "white space in the claims": withTexts(headerText, `${claimsText}\n`),
    "a byte order mark": withTexts(headerText, `\ufeff${claimsText}`),
    "exp beyond all numbers": withTexts(headerText, claimsText.replace(/"exp":\d+/, '"exp":1e999')),
    "bytes that are no UTF-8": sign(
      encoded(headerText),
      encoded(
        Buffer.concat([
          Buffer.from(claimsText.replace("}", ',"x":"')),
          Buffer.from([0xff]),
          Buffer.from('"}'),
        ]),
      ),
    ),
    "left-over bits of the claims": sign(encoded(headerText), withLeftOverBits(claims)),
    "padding in what is signed": sign(encoded(headerText), `${encoded(claimsText)}=`),
    ...Object.fromEntries(
      ["", "null", "[]", "1", '"text"', "{", "{}", `[${claimsText}]`].map((text) => [
        `claims are ${text.slice(0, 10) || "empty"}`,
        withTexts(headerText, text),
      ]),
    ),
    ...Object.fromEntries(
      ["", "null", "[]", "1", '"text"', "{", "{}"].map((text) => [
        `header is ${text || "empty"}`,
        withTexts(text, claimsText),
      ]),
    ),
  };
  const expired: Record<string, string> = each("claims", withClaims, [
    { exp: now },
    // No leeway: the clocks that matter are ours.
    { exp: now - 1 },
    { exp: now - 1.5 },
    { exp: 0 },
    { exp: -1 },
    { exp: -1e300 },
  ]);
  return {
    ...withReason(invalid, "TOKEN_INVALID"),
    ...withReason(expired, "TOKEN_EXPIRED"),
  };
}

function each(place: string, make: (change: object) => string, changes: object[]): Record<string, string> {
  return Object.fromEntries(
    changes.map((change) => {
      const text = JSON.stringify(change, (_, value: unknown) =>
        value === undefined ? "(left out)" : value,
      );
      return [`${place} ${text}`, make(change)];
    }),
  );
}

function values(claim: string, ...given: unknown[]): object[] {
  return given.map((value) => ({ [claim]: value }));
}

function withReason(tokens: Record<string, string>, reason: string) {
  return Object.fromEntries(
    Object.entries(tokens).map(([name, token]): [string, [string, string]] => [name, [token, reason]]),
  );
}

/** The same bytes in another spelling: the last character carries bits that mean nothing. */
function withLeftOverBits(claims: object): string {
  let x = "";
  const text = () => JSON.stringify({ ...claims, x });
  while (Buffer.byteLength(text()) % 3 !== 1) x += "x";
  // The last byte is "}" (0x7d): "fQ", where "fR" to "ff" mean the same.
  return encoded(text()).replace(/Q$/, "R");
}
