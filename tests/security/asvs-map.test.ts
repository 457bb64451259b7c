import { describe, expect, it } from "@jest/globals";
import { anchorsOf, asMarkdown, judge, titlesIn } from "../../scripts/asvs-map.ts";

// In two parts, as the script reads this file, too.
const tag = (ids: string) => ["(ASVS", `${ids})`].join(" ");
const requirement = (id: string) => ({ id, level: 1, chapter: "A", requirement: `what ${id} asks` });
const tests = [{ path: "tests/a.test.ts", title: "does it", ids: ["V1.1.1"] }];
const answers = { documents: { "V1.1.2": "a.md#what-is-it" }, gaps: { "V1.1.3": "not yet" }, notes: {} };
const anchors = () => ["what-is-it"];

describe("the map of requirements", () => {
  const all = ["V1.1.1", "V1.1.2", "V1.1.3"].map(requirement);

  it("reads the ids at the end of titles, and passes over none", () => {
    const source = [
      `it("does it ${tag("V1.1.1, V1.1.10")}", async () => {`,
      `])("does %s ${tag("V1.2.3")}", () => {`,
      "it(\n  `says so " + tag("V1.2.4") + "`,",
    ].join("\n");
    expect(titlesIn(source)).toEqual([
      { title: "does it", ids: ["V1.1.1", "V1.1.10"] },
      { title: "does %s", ids: ["V1.2.3"] },
      { title: "says so", ids: ["V1.2.4"] },
    ]);
    for (const stray of [
      `it("${tag("V1.1.1")} does it")`,
      `it("does it ${tag("1.1.1")}")`,
      `// ${tag("V1.1.1")}`,
    ])
      expect(() => titlesIn(stray)).toThrow("A tag is not read");
  });

  it("has one verdict for each", () => {
    const { verdicts, faults } = judge(all, tests, answers, anchors);
    expect(faults).toEqual([]);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["tested", "documented", "gap"]);
    expect(asMarkdown(verdicts, "OWASP")).toContain(
      "1 are shown by tests, 1 ask for words that are written, and 1 are gaps",
    );
  });

  it.each([
    ["nothing shows one", [], answers, "V1.1.1 needs exactly one of"],
    [
      "one is shown and a gap",
      tests,
      { ...answers, gaps: { ...answers.gaps, "V1.1.1": "x" } },
      "V1.1.1 needs exactly",
    ],
    [
      "a test has an id that is none",
      [...tests, { path: "b", title: "t", ids: ["V9.9.9"] }],
      answers,
      "there is no V9.9.9",
    ],
    ["a note has an id that is none", tests, { ...answers, notes: { "V9.9.9": "x" } }, "there is no V9.9.9"],
    [
      "a heading is not there",
      tests,
      { ...answers, documents: { "V1.1.2": "a.md#gone" } },
      "V1.1.2: a.md has no heading #gone",
    ],
  ])("is at fault when %s", (_what, shown, given, fault) => {
    expect(judge(all, shown, given, anchors).faults).toEqual([expect.stringContaining(fault)]);
  });

  it("knows headings by GitHub's anchors", () => {
    expect(anchorsOf("# What is it?\n\ntext\n\n## `me`, and you_all\n")).toEqual([
      "what-is-it",
      "me-and-you_all",
    ]);
  });
});
