import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// The package's list itself: its modules unpack a second dictionary and would keep all of it in memory. It is found at
// the start, so that an install without it is noticed, and read when the first password is checked.
const listFile = createRequire(import.meta.url).resolve("@zxcvbn-ts/language-common/src/passwords.json");

/** Shorter ones are refused for their length. */
const shortest = 8;

let list: Promise<ReadonlySet<string>> | undefined;

/**
 * Whether a password, in any case, is among the commonest 49,233, of which 17,950 have 8 characters or more. That list
 * leaves out what can be told by a rule: a few characters again and again, and runs such as abcdefgh.
 */
export async function isCommonPassword(password: string): Promise<boolean> {
  const lower = password.toLowerCase();
  if (repetition.test(lower) || isRun(lower)) return true;
  list ??= readList();
  return (await list).has(lower);
}

const repetition = /^(.{1,4})\1+$/su;

/** Whether each character is the next after the one before it, or each the previous. */
function isRun(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return [1, -1].some((step) =>
    codes.every((code, index) => index === 0 || code - (codes[index - 1] ?? 0) === step),
  );
}

async function readList(): Promise<ReadonlySet<string>> {
  const passwords = JSON.parse(await readFile(listFile, "utf8")) as string[];
  return new Set(passwords.filter((password) => password.length >= shortest));
}
