import { readFileSync } from "node:fs";

interface RecordedCase {
  id: string;
  do: { op: string; input?: Record<string, unknown> };
  expect: { user?: Record<string, unknown>; errors?: Record<string, string[]> };
}

/** One text that was sent to the reference services, with what they made of it. */
export interface RecordedText {
  id: string;
  value: string;
  /** The messages for this field; none if it was in order. */
  messages: string[];
  /** The field as it was kept, where the answer says so. */
  kept: unknown;
}

const recordings = new URL("../conformance/conformance.jsonl", import.meta.url);
const cases = readFileSync(recordings, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as RecordedCase);

// What no rule of a single text can know.
const foundElsewhere = /already exists\.$/;

/** Every text the recorded operations got in one field of their input. */
export function recordedTexts(operations: readonly string[], field: string): RecordedText[] {
  return cases.flatMap(({ id, do: step, expect }) => {
    const value = step.input?.[field];
    if (typeof value !== "string" || !operations.includes(step.op)) return [];
    const messages = (expect.errors?.[field] ?? []).filter((message) => !foundElsewhere.test(message));
    return [{ id, value, messages, kept: expect.user?.[field] }];
  });
}

/** The stored hashes in the recorded SQL, with the password that was tried and whether it got in. */
export function recordedStoredHashes(): Array<{
  id: string;
  stored: string;
  password: string;
  valid: boolean;
}> {
  return cases.flatMap(({ id, do: step, expect, ...rest }) => {
    const stored = /password_hash = '([^']*)'/.exec(JSON.stringify(rest))?.[1];
    const password = step.input?.["password"];
    if (stored === undefined || typeof password !== "string") return [];
    return [{ id, stored, password, valid: expect.user !== undefined }];
  });
}
