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
    "\0",
    "\ud800",
    "__proto__",
    "ada",
    "ada@example.com",
    "correct horse battery",
    "x".repeat(30_000),
  ),
);
export const anyJson = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 });
export const anyValue = fc.oneof({ weight: 4, arbitrary: anyText }, { weight: 1, arbitrary: anyJson });
export const objectOf = (...names: string[]) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record(Object.fromEntries(names.map((name) => [name, anyValue])), { requiredKeys: [] }),
    },
    { weight: 1, arbitrary: anyJson },
  );

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
