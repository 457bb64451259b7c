import * as fc from "fast-check";

export const anyText = fc.oneof(
  fc.emailAddress(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  // Also halves of surrogate pairs, and NUL.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    "",
    " ",
    "__proto__",
    "ada",
    "ada@example.com",
    "correct horse battery",
    "x".repeat(30_000),
  ),
  fc.constantFrom("\0", "a\0b", "\ud800", "a\udfffb"),
);
export const anyJson = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 });
export const anyValue = fc.oneof({ weight: 4, arbitrary: anyText }, { weight: 1, arbitrary: anyJson });
const goodPassword = fc.constant("correct horse battery");

/** What each field takes, so that one bad field among good ones gets as far as it can. */
const good: Record<string, fc.Arbitrary<unknown>> = {
  email: fc.uuid().map((name) => `${name}@example.com`),
  username: fc.uuid(),
  password: goodPassword,
  currentPassword: goodPassword,
  birthDate: fc.constant("1815-12-10"),
};

const fieldOf = (name: string) => fc.oneof({ weight: 6, arbitrary: good[name] ?? anyText }, anyValue);

/** An input of these fields, or anything in its place. */
export const objectOf = (...names: string[]) => {
  const fields = Object.fromEntries(names.map((name) => [name, fieldOf(name)]));
  return fc.oneof({ weight: 6, arbitrary: fc.record(fields, { requiredKeys: [] }) }, anyJson);
};

export const headerText = fc.oneof(
  fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 500,
  }),
  // Nearly a token.
  fc
    .tuple(
      fc.constantFrom("Token ", "Bearer ", "bearer\t", "TOKEN  ", "Basic ", "Token", ""),
      fc.array(
        fc.oneof(
          anyJson.map((value) => Buffer.from(JSON.stringify(value)).toString("base64url")),
          fc.base64String(),
        ),
        { maxLength: 6 },
      ),
    )
    .map(([scheme, parts]) => scheme + parts.join(".")),
);

/** What queries are made of, and what they are not. */
export const words = [
  ...'{ } ( ) [ ] : = ! | & $ @ ... " """ \\ # , \n \ufeff query mutation subscription fragment on'.split(
    " ",
  ),
  ..."me id username login register input logout scope ALL null true 1e999 -0 0x1 $v __typename __schema".split(
    " ",
  ),
  ...'_entities representations @include(if: @skip @defer String! [Int] "text" \u2028 \0 \ud83d'.split(" "),
];

/** The headers that the gateway, or what it is made of, reads. */
export const headersRead = [
  "accept",
  "accept-encoding",
  "access-control-request-headers",
  "access-control-request-method",
  "apollo-require-preflight",
  "content-type",
  "cookie",
  "expect",
  "forwarded",
  "host",
  "if-modified-since",
  "if-none-match",
  "last-event-id",
  "origin",
  "range",
  "traceparent",
  "user-agent",
  "x-apollo-operation-name",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-method",
  "x-forwarded-proto",
  "x-http-method-override",
  "x-original-uri",
  "x-real-ip",
  "x-request-id",
];
