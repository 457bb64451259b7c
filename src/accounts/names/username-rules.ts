import type { FieldErrors } from "../../errors.ts";
import { FieldError } from "../../field-errors.ts";

/** `as-recorded`: the rule of the reference services, which take anything that is not blank. */
export type UsernameRuleSet = "strict" | "as-recorded";

/**
 * Control, format (direction, joiners), private-use and unassigned characters; everything that is drawn as nothing; every
 * space but U+0020; symbols and letters that are blank (of Braille, music, Egyptian and Khitan); U+FFFC and U+FFFD, which
 * stand for what was lost. NUL and lone surrogates have messages of their own.
 */
const invisible =
  /(?![\0 ])[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffc\ufffd\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u;
const startsWithMark = /^\p{M}/u;

/** UTF-16 units of 255 characters: longer names are refused for their length, and take long to normalize. */
const longestName = 510;

/** The rules for new usernames. Existing accounts keep theirs and sign in with them. */
export class UsernameRules {
  private readonly ruleSet: UsernameRuleSet;

  constructor(ruleSet: UsernameRuleSet) {
    this.ruleSet = ruleSet;
  }

  /** @param present the account's own username, which may stay as it is */
  check(username: string | null | undefined, present?: string): FieldErrors {
    if (this.ruleSet === "as-recorded" || username == null || username === present) return {};
    const faults: FieldError[] = [];
    // Compatibility forms count: the key of "a＠b" has an "@".
    if (username.length <= longestName && username.normalize("NFKC").includes("@"))
      faults.push(FieldError.of("USERNAME_AT_SIGN"));
    if (invisible.test(username)) faults.push(FieldError.of("USERNAME_INVISIBLE"));
    if (startsWithMark.test(username)) faults.push(FieldError.of("USERNAME_COMBINING_MARK"));
    return faults.length > 0 ? { username: faults } : {};
  }
}
