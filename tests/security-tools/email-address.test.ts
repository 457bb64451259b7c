import { describe, expect, it } from "@jest/globals";

import { isEmailAddress, normalizeEmail } from "../../src/security/email-address.ts";
import { trim } from "../../src/security/text-rules.ts";
import { recordedTexts } from "./recorded-texts.ts";

const notAnAddress = "Enter a valid email address.";
const blank = "This field may not be blank.";

describe("the recorded e-mail addresses", () => {
  const recorded = recordedTexts(["register", "updateUser"], "email").filter(
    ({ messages }) => !messages.includes(blank),
  );

  it("are many", () => {
    expect(recorded.length).toBeGreaterThan(200);
  });

  it.each(recorded)("$id", ({ value, messages, kept }) => {
    expect(isEmailAddress(trim(value))).toBe(!messages.includes(notAnAddress));
    if (kept !== undefined) expect(normalizeEmail(trim(value))).toBe(kept);
  });
});

// Decided by Django 3.2's patterns under Python 3.11.
describe("isEmailAddress", () => {
  it.each([
    "user@example.-ab",
    "user@a.b--c.de",
    "user@[::]",
    "user@[1:2:3:4:5:6:7:8]",
    "user@[1:2:3:4:5:6:1.2.3.4]",
    "user@[255.255.255.255]",
    "\u212a\u017f@example.com",
    "user@\u017f\u0130\u0131.com",
    '"a\\\tb"@example.com',
    '"a\\@b"@example.com',
    '"\x01\x7f"@example.com',
    `${"a".repeat(308)}@example.com`,
    `${"\u0130".repeat(308)}@example.com`,
  ])("takes %j", (value) => {
    expect(isEmailAddress(value)).toBe(true);
  });

  it.each([
    "",
    "@",
    "user@",
    "user@.",
    "user@localhost.",
    "user@LOCALHOST",
    "user@example.ab-",
    "user@[]",
    "user@[1.2.3]",
    "user@[1.2.3.04]",
    "user@[::1.2.3.04]",
    "user@[fe80::1%eth0]",
    "user@[1::2:3:4:5:6:7:8]",
    "user@[:::]",
    "user@[12345::]",
    "user@[::1]]",
    "user@example.com\n",
    "us\\er@example.com",
    '"a"b@example.com',
    '"a\\"@example.com',
    '"a\tb"@example.com',
    '"a\rb"@example.com',
    "a..b@example.com",
    "a.@example.com",
    `${"a".repeat(309)}@example.com`,
  ])("refuses %j", (value) => {
    expect(isEmailAddress(value)).toBe(false);
  });

  it("refuses what is too long without reading it", () => {
    expect(isEmailAddress(`${"a.".repeat(10_000_000)}@example.com`)).toBe(false);
  });
});

describe("normalizeEmail", () => {
  it.each([
    ["User.Name@EXAMPLE.COM", "User.Name@example.com"],
    ['"A@B"@EXAMPLE.com', '"A@B"@example.com'],
    ["no address", "no address"],
  ])("makes %j into %j", (value, expected) => {
    expect(normalizeEmail(value)).toBe(expected);
  });
});
