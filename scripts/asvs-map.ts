export interface Requirement {
  /** As in "V6.2.1". */
  id: string;
  level: number;
  chapter: string;
  requirement: string;
}

/** A test whose title ends with the ids of what it shows: `… (ASVS V6.2.1, V6.2.9)`. */
export interface TestTitle {
  path: string;
  title: string;
  ids: string[];
}

/** What is written by hand, by id. */
export interface Answers {
  /** Where a requirement that asks for words is met: a file, and the anchor of a heading. */
  documents: Record<string, string>;
  /** What is missing, and why. */
  gaps: Record<string, string>;
  /** What else is to be known of a requirement that is met: the setting that it takes, say. */
  notes: Record<string, string>;
}

export interface Verdict extends Requirement {
  verdict: "tested" | "documented" | "gap";
  tests: TestTitle[];
  document?: string | undefined;
  reason?: string | undefined;
}

const tagged = /\(\s*(["'`])((?:(?!\1)[^\\\n]|\\.)*) \(ASVS (V[\d.]+(?:, V[\d.]+)*)\)\1/g;

/** The tagged titles of a test file. @throws an Error when there is a tag that is at no title's end */
export function titlesIn(source: string): Omit<TestTitle, "path">[] {
  const titles = [...source.matchAll(tagged)].map(([, , title = "", ids = ""]) => ({
    title,
    ids: ids.split(", "),
  }));
  if (titles.length !== source.split("(ASVS ").length - 1)
    throw new Error(
      `A tag is not read: titles end with "(ASVS V1.2.3, V1.2.4)". Read: ${JSON.stringify(titles)}`,
    );
  return titles;
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(markdown: string): string[] {
  const headings = markdown.matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** How each requirement stands: exactly one of tested, documented and gap. */
export function judge(
  requirements: Requirement[],
  tests: TestTitle[],
  { documents, gaps, notes }: Answers,
  anchorsIn: (path: string) => string[],
): { verdicts: Verdict[]; faults: string[] } {
  const faults: string[] = [];
  const verdicts = requirements.map((requirement): Verdict => {
    const { id } = requirement;
    const shown = tests.filter(({ ids }) => ids.includes(id));
    const ways = [shown.length > 0, id in documents, id in gaps];
    if (ways.filter(Boolean).length !== 1)
      faults.push(`${id} needs exactly one of a test, a document and a gap: ${requirement.requirement}`);
    const verdict = id in gaps ? "gap" : id in documents ? "documented" : "tested";
    return { ...requirement, verdict, tests: shown, document: documents[id], reason: gaps[id] ?? notes[id] };
  });

  const known = new Set(requirements.map(({ id }) => id));
  for (const { path, title, ids } of tests)
    for (const id of ids) if (!known.has(id)) faults.push(`${path}: "${title}": there is no ${id}`);
  for (const id of Object.keys({ ...documents, ...gaps, ...notes }))
    if (!known.has(id)) faults.push(`asvs-answers.json: there is no ${id}`);
  for (const [id, place] of Object.entries(documents)) {
    const [path = "", anchor = ""] = place.split("#");
    if (!anchorsIn(path).includes(anchor)) faults.push(`${id}: ${path} has no heading #${anchor}`);
  }
  return { verdicts, faults };
}

/** The page docs/security/asvs.md. */
export function asMarkdown(verdicts: Verdict[], source: string): string {
  const count = (verdict: string) => verdicts.filter((each) => each.verdict === verdict).length;
  const chapters = [...new Set(verdicts.map(({ chapter }) => chapter))];
  return [
    "# How Gatehouse stands to OWASP ASVS 5.0",
    "",
    "Made by `npm run asvs` of the titles of the tests, which end with the ids of what they show, and of asvs-answers.json beside this page. `npm test -- -t 'V6\\.2\\.1\\b'` runs the tests of one requirement.",
    "",
    `Of ${verdicts.length} requirements that apply, ${count("tested")} are shown by tests, ${count("documented")} ask for words that are written, and ${count("gap")} are gaps. ${source}.`,
    ...chapters.flatMap((chapter) => [
      "",
      `## ${chapter}`,
      "",
      "| id | level | requirement | verdict | by |",
      "| --- | --- | --- | --- | --- |",
      ...verdicts.filter((each) => each.chapter === chapter).map(row),
    ]),
    "",
  ].join("\n");
}

function row({ id, level, requirement, verdict, tests, document, reason }: Verdict): string {
  const by = [
    ...tests.map(({ path, title }) => `[${path.slice("tests/".length)}](../../${path}): ${title}`),
    ...(document === undefined ? [] : [`[${document.split("#")[0]}](../../${document})`]),
    ...(reason === undefined ? [] : [reason]),
  ];
  const cells = [id, level, requirement, verdict === "gap" ? "**gap**" : verdict, by.join("<br>")];
  return `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
}
