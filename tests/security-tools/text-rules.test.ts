import { describe, expect, it } from "@jest/globals";

import type { TextRule } from "../../src/security/text-rules.ts";
import {
  codePointLength,
  emailFormat,
  firstLoneSurrogate,
  hasNul,
  maxLength,
  minLength,
  noLoneSurrogates,
  noNul,
  trim,
} from "../../src/security/text-rules.ts";
import { recordedTexts } from "./recorded-texts.ts";

const blank = "This field may not be blank.";

function messagesOf(rules: TextRule[], value: string): string[] {
  return rules.flatMap((rule) => rule(value)?.message ?? []);
}

const writing = ["register", "updateUser"];
const anyText = [noNul, noLoneSurrogates];
const recordedFields = [
  { operations: writing, field: "email", rules: [maxLength(254), ...anyText, emailFormat] },
  { operations: ["login"], field: "email", rules: [maxLength(255), ...anyText] },
  { operations: writing, field: "username", rules: [maxLength(255), ...anyText] },
  { operations: writing, field: "fullName", rules: [maxLength(20_000), ...anyText] },
  { operations: writing, field: "bio", rules: anyText },
  { operations: writing, field: "password", rules: [maxLength(128), minLength(8), ...anyText] },
  { operations: ["login"], field: "password", rules: [maxLength(128), ...anyText] },
];

describe.each(recordedFields)("recorded: $field on $operations", ({ operations, field, rules }) => {
  it.each(recordedTexts(operations, field))("$id", ({ value, messages, kept }) => {
    if (trim(value) === "") expect(messages).toEqual([blank]);
    else expect(messagesOf(rules, field === "password" ? value : trim(value))).toEqual(messages);
    if (field !== "email" && kept !== undefined) expect(trim(value)).toBe(kept);
  });
});

describe("trim", () => {
  const pythonSpace =
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" +
    "\u2028\u2029\u202f\u205f\u3000";

  it("takes away exactly what Python calls space", () => {
    const everyUnit = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));
    expect(everyUnit.filter((unit) => trim(unit) === "").join("")).toBe(pythonSpace);
  });

  it.each([
    ["", ""],
    [pythonSpace, ""],
    [`${pythonSpace}a b${pythonSpace}`, "a b"],
    ["\ufeffa\u200b", "\ufeffa\u200b"],
  ])("makes %j into %j", (value, expected) => {
    expect(trim(value)).toBe(expected);
  });
});

describe("codePointLength", () => {
  it.each([
    ["", 0],
    ["abc", 3],
    ["\u{1f600}\u{1f680}", 2],
    ["\ud800", 1],
    ["\udc00\ud800", 2],
    ["\ud800\ud800\udc00\udc00", 3],
  ])("of %j is %d", (value, expected) => {
    expect(codePointLength(value)).toBe(expected);
  });
});

describe("firstLoneSurrogate", () => {
  it.each([
    ["\ud800", "U+D800"],
    ["\udfff\ud800", "U+DFFF"],
    ["a\u{1f600}\udbff", "U+DBFF"],
    ["\ud83d\ud83d\ude00", "U+D83D"],
    ["\u{1f600}", undefined],
    ["\ue000", undefined],
    ["", undefined],
  ])("of %j is %s", (value, expected) => {
    expect(firstLoneSurrogate(value)).toBe(expected);
  });
});

describe("hasNul", () => {
  it("sees a NUL anywhere, and nothing else", () => {
    expect(["\0", "a\0", "\0a"].map(hasNul)).toEqual([true, true, true]);
    expect(["", "0", "\x01", "\u0100"].map(hasNul)).toEqual([false, false, false, false]);
  });
});

describe("the length rules", () => {
  const tooShort = "Ensure this field has at least 8 characters.";
  const tooLong = "Ensure this field has no more than 8 characters.";

  it.each([
    ["seven of one unit", "a".repeat(7), tooShort, undefined],
    ["eight of one unit", "a".repeat(8), undefined, undefined],
    ["nine of one unit", "a".repeat(9), undefined, tooLong],
    ["seven of two units", "\u{1f600}".repeat(7), tooShort, undefined],
    ["eight of two units", "\u{1f600}".repeat(8), undefined, undefined],
    ["nine of two units", "\u{1f600}".repeat(9), undefined, tooLong],
    ["eight lone surrogates", "\ud800".repeat(8), undefined, undefined],
  ])("count code points: %s", (_, value, short, long) => {
    expect(minLength(8)(value)?.message).toBe(short);
    expect(maxLength(8)(value)?.message).toBe(long);
  });
});

describe("together", () => {
  it("name every fault, in order", () => {
    const rules = [maxLength(3), ...anyText, emailFormat];
    expect(messagesOf(rules, "\0\udfff\ud800a")).toEqual([
      "Ensure this field has no more than 3 characters.",
      "Null characters are not allowed.",
      "Surrogate characters are not allowed: U+DFFF.",
      "Enter a valid email address.",
    ]);
  });
});
