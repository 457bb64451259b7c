/** A vulnerability that is known and put up with for a while. */
export interface Allowed {
  /** GHSA-…. */
  advisory: string;
  package: string;
  reason: string;
  /** The last day that it holds for, `YYYY-MM-DD`. */
  until: string;
}

export interface Finding {
  advisory: string;
  package: string;
  severity: string;
  title: string;
}

/** What npm said: findings, why the registry could not be asked, or why npm itself failed. */
export type Findings = { found: Finding[] } | { notAsked: string } | { failed: string };

const grave = ["high", "critical"];

/** @throws an Error when an entry lacks what it needs */
export function readAllowed(json: string): Allowed[] {
  const entries = JSON.parse(json) as Partial<Allowed>[];
  return entries.map((entry) => {
    const { advisory = "", package: name = "", reason = "", until = "" } = entry;
    const isDay = /^\d{4}-\d\d-\d\d$/.test(until) && !Number.isNaN(Date.parse(until));
    if (!/^GHSA(-\w{4}){3}$/.test(advisory) || name === "" || reason === "" || !isDay)
      throw new Error(
        `.ci/audit-allowed.json: each entry needs advisory (GHSA-…), package, reason and until (YYYY-MM-DD): ${JSON.stringify(entry)}`,
      );
    return { advisory, package: name, reason, until };
  });
}

/** @param output of `npm audit --json` */
export function readFindings(output: string): Findings {
  let report: {
    vulnerabilities?: Record<
      string,
      { via: (string | { name: string; url: string; severity: string; title: string })[] }
    >;
    message?: string;
    error?: { summary?: string };
  };
  try {
    report = JSON.parse(output);
  } catch {
    return { failed: "npm gave no report" };
  }
  const { vulnerabilities, message, error } = report;
  // Said of a registry that refused or was not reached; where npm cannot even begin, it gives an error alone.
  if (vulnerabilities === undefined && message !== undefined) return { notAsked: message };
  if (vulnerabilities === undefined) return { failed: error?.summary || "npm gave no report" };
  const found = new Map<string, Finding>();
  for (const { via } of Object.values(vulnerabilities))
    for (const cause of via) {
      // A name stands for a vulnerable dependency, which has an entry of its own.
      if (typeof cause === "string") continue;
      const { name, url, severity, title } = cause;
      const advisory = url.split("/").at(-1) ?? url;
      found.set(`${advisory} ${name}`, { advisory, package: name, severity, title });
    }
  return { found: [...found.values()] };
}

/** @param today `YYYY-MM-DD` @returns what must fail, and what is only told */
export function judge(
  findings: Findings,
  allowed: Allowed[],
  today: string,
): { faults: string[]; notes: string[] } {
  const faults = allowed
    .filter(({ until }) => until < today)
    .map((entry) => `the entry for ${entry.advisory} (${entry.package}) ended on ${entry.until}`);
  if ("failed" in findings) return { faults: [...faults, findings.failed], notes: [] };
  if ("notAsked" in findings)
    return { faults, notes: [`the registry could not be asked, so nothing is known: ${findings.notAsked}`] };

  const { found } = findings;
  const isSame = (entry: Allowed, finding: Finding) =>
    entry.advisory === finding.advisory && entry.package === finding.package;
  const notes = allowed
    .filter((entry) => !found.some((finding) => isSame(entry, finding)))
    .map((entry) => `the entry for ${entry.advisory} (${entry.package}) is of no more use: remove it`);
  for (const finding of found) {
    if (!grave.includes(finding.severity)) continue;
    const text = `${finding.severity}: ${finding.package}: ${finding.title} (${finding.advisory})`;
    const entry = allowed.find((candidate) => isSame(candidate, finding));
    if (entry === undefined) faults.push(text);
    else if (entry.until >= today)
      notes.push(`allowed until ${entry.until} because ${entry.reason}: ${text}`);
  }
  if (faults.length === 0) notes.push("nothing of level high or critical beyond what is allowed");
  return { faults, notes };
}
