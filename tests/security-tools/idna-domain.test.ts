import { describe, expect, it } from "@jest/globals";

import { idnaDomain } from "../../src/security/idna-domain.ts";

// What Python 3.11 answers to `domain.encode("idna")`; the long names are the samples of RFC 3492.
describe("idnaDomain", () => {
  it.each([
    ["example.com", "example.com"],
    ["M\u00dcNCHEN.de", "xn--mnchen-3ya.de"],
    ["mu\u0308nchen.de", "xn--mnchen-3ya.de"],
    ["stra\u00dfe.de", "strasse.de"],
    ["\u4f8b\u5b50.\u5e7f\u544a", "xn--fsqu00a.xn--4rr70v"],
    ["\u0645\u062b\u0627\u0644.\u0625\u062e\u062a\u0628\u0627\u0631", "xn--mgbh0fb.xn--kgbechtv"],
    ["\u{1f600}.com", "xn--e28h.com"],
    ["a\uff0eb\uff61c\u3002d", "a.b.c.d"],
    ["\u2460\u2461.\ufb01\u2167", "12.fiviii"],
    ["\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3.gr", "xn--kxa6akbbkh.gr"],
    ["\u0131\u0130.tr", "xn--i-eka52l.tr"],
    ["a\u200d\u00adb.com\u200b", "ab.com"],
    ["\u05d01\u05d0.com", "xn--1-zhcb.com"],
    ["\uff3b::1\uff3d", "[::1]"],
    ["\u00e9.com.", "xn--9ca.com."],
    [
      "\u5b89\u5ba4\u5948\u7f8e\u6075-with-SUPER-MONKEYS.jp",
      "xn---with-super-monkeys-pc58ag80a8qai00g7n9n.jp",
    ],
    ["3\u5e74B\u7d44\u91d1\u516b\u5148\u751f.jp", "xn--3b-ww4c5e180e575a65lsy2b.jp"],
    ["Pro\u010dprost\u011bnemluv\u00ed\u010desky.cz", "xn--proprostnemluvesky-uyb24dma41a.cz"],
    [
      "\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438\u043d\u0435\u0433\u043e\u0432\u043e" +
        "\u0440\u044f\u0442\u043f\u043e\u0440\u0443\u0441\u0441\u043a\u0438.ru",
      "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l.ru",
    ],
    [`${"\u00e9".repeat(57)}.com`, `xn--9c${"a".repeat(57)}.com`],
  ])("makes %j into %j", (domain, expected) => {
    expect(idnaDomain(domain)).toBe(expected);
  });

  it.each([
    "xn--\u00e9.com",
    "\u05d0a.com",
    "\u05d0a\u05d0.com",
    "1\u05d0.com",
    "\u0627\u0663.com",
    "\u00e9\u2028.com",
    "\ue000.com",
    "\u00e9\u180e.com",
    "\ufffd.com",
    "\ud800.com",
    "\u{1ffff}.com",
    `${"\u00e9".repeat(64)}.com`,
  ])("has none for %j", (domain) => {
    expect(idnaDomain(domain)).toBeUndefined();
  });
});
