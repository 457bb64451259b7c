import { createPublicKey, generateKeyPairSync } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import { encoded, hmac, signerOf } from "./token-forger.ts";
import type { Original } from "./token-forger.ts";

const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const strangersJwk = stranger.publicKey.export({ format: "jwk" });
const byStranger = signerOf("ES256", stranger.privateKey);

const rsaStranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaStrangersJwk = rsaStranger.publicKey.export({ format: "jwk" });

const paths = ["/dev/null", "../../../../../../dev/null", "file:///etc/passwd", "http://127.0.0.1:9/", "NUL"];
const statements = [
  "' or '1'='1",
  "x' union select 'AA==' --",
  "'; drop table signing_keys; --",
  "$(id)",
  "|id",
];
const inherited = ["__proto__", "constructor", "toString", "hasOwnProperty", "size"];
const long = "k".repeat(10_000);

/** What anybody can make of a token without the key. @param publicJwk the published key, if there is one */
export function strangerForgeries(
  original: Original,
  publicJwk: JsonWebKey | undefined,
): Record<string, string> {
  const { header, parts, token } = original;
  const [headerPart, claimsPart, signature] = parts;
  const withHeader = (changes: object, signer: (input: string) => string = byStranger) => {
    const input = `${encoded(JSON.stringify({ ...header, ...changes }))}.${claimsPart}`;
    return `${input}.${signer(input)}`;
  };
  const forgeries: Record<string, string> = {};

  for (const alg of [
    "none",
    "None",
    "NONE",
    "nOnE",
    "none ",
    "",
    "\0none",
    null,
    0,
    ["none"],
    ["ES256", "HS256"],
    {},
  ]) {
    forgeries[`alg ${JSON.stringify(alg)}, no signature`] = withHeader({ alg }, () => "");
    forgeries[`alg ${JSON.stringify(alg)}, the old signature`] = withHeader({ alg }, () => signature);
  }
  forgeries["no alg"] = withHeader({ alg: undefined });

  if (publicJwk !== undefined) {
    const key = createPublicKey({ key: publicJwk, format: "jwk" });
    const pem = key.export({ type: "spki", format: "pem" }).toString();
    const forms: Record<string, string | Buffer> = {
      PEM: pem,
      "PEM without its last line break": pem.trimEnd(),
      "PEM with CRLF": pem.replaceAll("\n", "\r\n"),
      DER: key.export({ type: "spki", format: "der" }),
      JWK: JSON.stringify(publicJwk),
      "JWK x": Buffer.from(publicJwk.x ?? "", "base64url"),
      "JWK x as text": publicJwk.x ?? "",
      "JWK n": Buffer.from(publicJwk.n ?? "", "base64url"),
      "JWK n as text": publicJwk.n ?? "",
      ...(publicJwk.kty === "RSA" && { "PKCS #1": key.export({ type: "pkcs1", format: "pem" }) }),
    };
    for (const [form, secret] of Object.entries(forms))
      for (const bits of ["256", "384", "512"])
        forgeries[`HS${bits} with the public key, ${form}`] = withHeader({ alg: `HS${bits}` }, (input) =>
          hmac(input, secret, `sha${bits}`),
        );
  }
  for (const alg of [
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "RS256",
    "RS512",
    "PS256",
    "EdDSA",
    "hs256",
    "HS256 ",
  ])
    forgeries[`alg ${alg} by a stranger's key`] = withHeader({ alg });
  for (const alg of ["RS256", "PS256"]) {
    const byRsaStranger = signerOf(alg, rsaStranger.privateKey);
    forgeries[`${alg} by a stranger's RSA key`] = withHeader({ alg }, byRsaStranger);
    for (const keys of [{ jwk: rsaStrangersJwk }, { jwk: rsaStrangersJwk, kid: undefined }])
      forgeries[`${alg} by a stranger's RSA key, ${Object.keys(keys).join()}`] = withHeader(
        { alg, ...keys },
        byRsaStranger,
      );
  }
  for (const secret of [
    "",
    "\0",
    "a",
    "secret",
    "null",
    "undefined",
    "false",
    "[object Object]",
    "0".repeat(32),
  ])
    forgeries[`HS256 with the key ${JSON.stringify(secret)}`] = withHeader({ alg: "HS256" }, (input) =>
      hmac(input, secret),
    );

  const otherTypes: unknown[] = [
    null,
    0,
    1,
    true,
    [],
    {},
    [header.kid],
    [[]],
    { toString: "x" },
    ["__proto__"],
  ];
  const kids: unknown[] = [
    ...paths,
    ...statements,
    ...inherited,
    ...otherTypes,
    "",
    " ",
    "\0",
    "\ud800",
    long,
  ];
  for (const kid of kids) {
    const name = `kid ${JSON.stringify(kid).slice(0, 40)}`;
    forgeries[`${name} by a stranger`] = withHeader({ kid });
    forgeries[`${name} with an empty secret`] = withHeader({ alg: "HS256", kid }, (input) => hmac(input, ""));
  }
  const x5c = [stranger.publicKey.export({ type: "spki", format: "der" }).toString("base64")];
  const foreignKeys = {
    jwk: strangersJwk,
    jku: "http://127.0.0.1:9/jwks.json",
    x5u: "http://127.0.0.1:9/cert.pem",
    x5c,
  };
  for (const [name, value] of Object.entries(foreignKeys)) {
    forgeries[`${name} of a stranger`] = withHeader({ alg: "ES256", [name]: value });
    forgeries[`${name} of a stranger, no kid`] = withHeader({ alg: "ES256", kid: undefined, [name]: value });
  }
  forgeries["an ES256 signature of zeros (CVE-2022-21449)"] = withHeader({}, () => encoded(Buffer.alloc(64)));
  forgeries["an HS256 signature of zeros"] = withHeader({}, () => encoded(Buffer.alloc(32)));
  for (const bytes of [256, 384])
    for (const [name, last] of [
      ["zeros", 0],
      ["one", 1],
    ] as const) {
      const number = Buffer.alloc(bytes);
      number[bytes - 1] = last;
      forgeries[`an RSA signature of ${name}, ${bytes} bytes`] = withHeader({}, () => encoded(number));
    }
  forgeries["a DER signature of zeros"] = withHeader({}, () =>
    encoded(Buffer.from("3006020100020100", "hex")),
  );

  const claims = JSON.parse(Buffer.from(claimsPart, "base64url").toString());
  for (const change of [{ sub: "018f0000-0000-7000-8000-000000000000" }, { exp: 1 }, { exp: 4_000_000_000 }])
    forgeries[`claims changed under the signature: ${JSON.stringify(change)}`] =
      `${headerPart}.${encoded(JSON.stringify({ ...claims, ...change }))}.${signature}`;

  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const nextInAlphabet = (part: string) =>
    part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
  Object.assign(forgeries, {
    // 43 and 86 characters: the last one carries 2 or 4 bits that mean nothing, and both are zero in ours.
    "left-over bits of the signature": `${headerPart}.${claimsPart}.${nextInAlphabet(signature)}`,
    "left-over bits of the header": `${nextInAlphabet(headerPart)}.${claimsPart}.${signature}`,
    "padding at the signature": `${token}=`,
    "two of padding at the signature": `${token}==`,
    "padding at the header": `${headerPart}==.${claimsPart}.${signature}`,
    "padding at the claims": `${headerPart}.${claimsPart}=.${signature}`,
    "standard base64": `${headerPart}.${claimsPart}.+/${signature.slice(2)}`,
    "the signature in standard base64": `${headerPart}.${claimsPart}.${Buffer.from(signature, "base64url").toString("base64")}`,
    "a foreign character in the signature": `${headerPart}.${claimsPart}.${signature.slice(0, 4)}*${signature.slice(4)}`,
    "a character behind the signature": `${token}A`,
    "four characters behind the signature": `${token}AAAA`,
    "a short signature": token.slice(0, -4),
    "no signature": `${headerPart}.${claimsPart}.`,
    "two parts": `${headerPart}.${claimsPart}`,
    "four parts": `${token}.`,
    "five parts, as a JWE": `${encoded('{"alg":"dir","enc":"A256GCM"}')}..${encoded("iv")}.${encoded("text")}.${encoded("tag")}`,
    "five parts of ours": `${token}.${claimsPart}.${signature}`,
    "empty parts": "..",
    "JSON serialization": encoded(JSON.stringify({ payload: claimsPart, protected: headerPart, signature })),
    "a bare word": "null",
    "brackets without end": `${encoded("[".repeat(9000))}.${claimsPart}.${signature}`,
    "claims without end": `${headerPart}.${encoded('{"a":'.repeat(1700))}.${signature}`,
    "a huge signature": `${headerPart}.${claimsPart}.${"A".repeat(13_000)}`,
    dots: ".".repeat(13_000),
  });
  return forgeries;
}
