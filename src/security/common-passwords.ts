import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { isGuessablePattern } from "./guessable-patterns.ts";

// The package's list itself: its modules unpack a second dictionary and would keep all of it in memory. It is found at
// the start, so that an install without it is noticed, and read when the first password is checked.
const listFile = createRequire(import.meta.url).resolve("@zxcvbn-ts/language-common/src/passwords.json");

/** Shorter ones are refused for their length. */
const shortest = 8;

let list: Promise<ReadonlySet<string>> | undefined;

/**
 * Whether a password, without regard to case and Unicode form, is among the commonest: at least the first 50,000 of the
 * ranking of ten million (Burnett, 2015) and all 19,640 that Django refuses (from the breaches up to 2018).
 */
export async function isCommonPassword(password: string): Promise<boolean> {
  const folded = password.normalize("NFKC").toLowerCase();
  if (isGuessablePattern(folded)) return true;
  list ??= readList();
  return (await list).has(folded);
}

/** The package has the first ranking, but for what a pattern tells; the file of ours, what then is missing of both. */
async function readList(): Promise<ReadonlySet<string>> {
  const packages = JSON.parse(await readFile(listFile, "utf8")) as string[];
  const { default: ours } = await import("./breached-passwords.json", { with: { type: "json" } });
  return new Set([...packages, ...ours.passwords].filter((password) => password.length >= shortest));
}
