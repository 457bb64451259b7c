import { describe, expect, it } from "@jest/globals";

import { parseCalendarDate } from "../../src/security/calendar-date.ts";
import { recordedTexts } from "./recorded-texts.ts";

describe("the recorded birth dates", () => {
  const recorded = recordedTexts(["register", "updateUser"], "birthDate");

  it("are many", () => {
    expect(recorded.length).toBeGreaterThan(25);
  });

  it.each(recorded)("$id", ({ value, messages, kept }) => {
    expect(parseCalendarDate(value)).toBe(messages.length === 0 ? kept : undefined);
  });
});

// Decided by Django's `parse_date` under Python 3.11.
describe("parseCalendarDate", () => {
  it.each([
    ["0001-01-01", "0001-01-01"],
    ["0099-12-31", "0099-12-31"],
    ["9999-12-31", "9999-12-31"],
    ["2000-2-29", "2000-02-29"],
    ["2024-02-29", "2024-02-29"],
    ["2024-04-30", "2024-04-30"],
    ["1\uff19\u06f90-\u0665-\u{1d7d7}", "1990-05-09"],
    ["1990-05-17\n", "1990-05-17"],
  ])("reads %j as %j", (value, expected) => {
    expect(parseCalendarDate(value)).toBe(expected);
  });

  it.each([
    "",
    "0000-01-01",
    "0000-02-29",
    "2023-02-29",
    "2100-02-29",
    "2024-04-31",
    "2024-13-01",
    "2024-00-01",
    "2024-1-0",
    "2024-1-32",
    "2024-001-01",
    " 2024-01-01",
    "2024-01-01 ",
    "2024-01-01\r",
    "2024-01-01\n\n",
    "\n2024-01-01",
    "2024-01-01T00:00:00Z",
    "\u00b2024-01-01",
    "\u2460990-01-01",
    "1".repeat(10_000_000),
  ])("refuses %.30j", (value) => {
    expect(parseCalendarDate(value)).toBeUndefined();
  });
});
