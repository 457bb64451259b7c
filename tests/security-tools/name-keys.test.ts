import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { createRequire } from "node:module";
import { normalizeEmail } from "../../src/security/email-address.ts";
import { emailKey } from "../../src/text/email-key.ts";
import { usernameKey } from "../../src/text/username-key.ts";

const require = createRequire(import.meta.url);
const mapped = 1;
const valid = 2;

/** The table of UTS 46, which has the foldings and compatibility forms of Unicode's own data. */
function* uts46(): Generator<[character: string, expected: string]> {
  const table: [number | [number, number], number, string?][] = require("tr46/lib/mappingTable.json");
  for (const [range, status, mapping] of table) {
    if (status !== mapped && status !== valid) continue;
    const [first, last] = [range].flat() as [number, number?];
    for (let point = first; point <= (last ?? first); point++) {
      const character = String.fromCodePoint(point);
      yield [character, mapping ?? character];
    }
  }
}

const letters = "aAbßẞsSſİIıiΣσςÅKéé̈\u0345ᾳΐǰŉﬃŒДдᎪꭺԱև＠ａ①ﷺ\u00ad\u200d가각";
const names = fc.oneof(
  fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
  fc.string({ unit: fc.constantFrom(...Array.from(letters)) }),
);

describe("usernameKey", () => {
  it("folds every character as Unicode's data say", () => {
    // Domains keep ß, and have their dots.
    const ofDomains = new Set("ẞ。｡");
    let compared = 0;
    const different: string[] = [];
    for (const [character, expected] of uts46()) {
      if (ofDomains.has(character) || /\p{Cn}/u.test(character)) continue;
      compared += 1;
      if (usernameKey(character) !== expected.normalize("NFKC")) different.push(character);
    }
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(150_000);
  });

  it.each([
    [["admin", "ADMIN", "Ａｄｍｉｎ", "ⓐdmin"], "admin"],
    [["Νίκος", "ΝΊΚΟΣ", "νίκοσ", "Νι\u0301κος"], "νίκοσ"],
    [["Straße", "STRASSE", "STRAẞE", "ſtrasse"], "strasse"],
    [["\u212bsa", "\u00e5SA", "A\u030asa"], "\u00e5sa"],
    [["İ", "i\u0307"], "i\u0307"],
    [["ı"], "ı"],
    [["I", "i"], "i"],
    [["ꭺ", "Ꭺ"], "Ꭺ"],
    [["ᾳ", "ᾼ", "αι", "ΑΙ"], "αι"],
  ])("gives %j one key", (spellings, key) => {
    expect(spellings.map(usernameKey)).toEqual(spellings.map(() => key));
  });

  it("of a key is the key, and no Unicode form or case makes another", () => {
    fc.assert(
      fc.property(names, (name) => {
        const key = usernameKey(name);
        expect(usernameKey(key)).toBe(key);
        for (const form of ["NFC", "NFD", "NFKC", "NFKD"])
          expect(usernameKey(name.normalize(form))).toBe(key);
        expect(usernameKey(name.toLowerCase())).toBe(usernameKey(name.toLowerCase().normalize("NFD")));
        expect(key).not.toMatch(/[A-Z]/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("emailKey", () => {
  it.each([
    [
      ["Ada@Example.com", "ada@EXAMPLE.COM", "ada@ｅｘａｍｐｌｅ.com", "ada@exam\u00adple。com"],
      "ada@example.com",
    ],
    [
      ["a@MÜNCHEN.de", "a@mu\u0308nchen.de", "a@xn--mnchen-3ya.de", "a@XN--MNCHEN-3YA.DE"],
      "a@xn--mnchen-3ya.de",
    ],
    [["a@faß.de", "a@FAẞ.de", "a@xn--fa-hia.de"], "a@xn--fa-hia.de"],
    [["a@fass.de", "a@FASS.de"], "a@fass.de"],
    [["ſam@example.com", "\u017fAM@example.com", "Sam@example.com"], "sam@example.com"],
    [["\u212ba@example.com", "\u00e5A@example.com"], "\u00e5a@example.com"],
    [["a@[::1]", "a@[0:0:0:0:0:0:0:1]", "a@[::0.0.0.1]", "a@［::1］"], "a@[::1]"],
    [["a@[127.0.0.1]"], "a@[127.0.0.1]"],
    [['"ada"@example.com', '"a\\da"@example.com', "ADA@example.com"], "ada@example.com"],
    [['"a\\ b"@example.com', '"a b"@example.com'], '"a b"@example.com'],
    [["a@a.com/x"], "a@a.com/x"],
    [["a@xn--nothing-at-all.com", "a@XN--Nothing-at-all.com"], "a@xn--nothing-at-all.com"],
    [["no address", "NO address"], "no address"],
  ])("gives %j one key", (spellings, key) => {
    expect(spellings.map(emailKey)).toEqual(spellings.map(() => key));
  });

  it("of a key, and of a stored email, is the key", () => {
    const parts = fc.tuple(names, names).map((sides) => sides.join("@"));
    fc.assert(
      fc.property(parts, (email) => {
        expect(emailKey(normalizeEmail(email))).toBe(emailKey(email));
        expect(emailKey(email)).not.toMatch(/^[A-Z]/);
      }),
      { numRuns: 2_000 },
    );
  });
});
