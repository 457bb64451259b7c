import { FieldError } from "../field-errors.ts";
import { isEmailAddress } from "./email-address.ts";

/** Says what is wrong with a text, in the words of Django REST Framework; undefined if nothing is. */
export type TextRule = (value: string) => FieldError | undefined;

// What Python's str.isspace() takes: more than JavaScript's \s, but not U+FEFF.
const whitespace = new Set(
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" +
    "\u2028\u2029\u202f\u205f\u3000",
);

/** The text without white space at its ends, as Python's `str.strip()` leaves it. */
export function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && whitespace.has(value.charAt(start))) start += 1;
  while (end > start && whitespace.has(value.charAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

/** The number of Unicode code points, a lone surrogate counting as one. */
export function codePointLength(value: string): number {
  let pairs = 0;
  for (let index = 1; index < value.length; index += 1) {
    if (!isBetween(value.charCodeAt(index), 0xdc00, 0xdfff)) continue;
    if (isBetween(value.charCodeAt(index - 1), 0xd800, 0xdbff)) pairs += 1;
  }
  return value.length - pairs;
}

/** The first surrogate that is not half of a pair, as "U+D800". */
export function firstLoneSurrogate(value: string): string | undefined {
  if (value.isWellFormed()) return undefined;
  const surrogate = /\p{Surrogate}/u.exec(value)?.[0] ?? "";
  return `U+${surrogate.charCodeAt(0).toString(16).toUpperCase()}`;
}

export function hasNul(value: string): boolean {
  return value.includes("\0");
}

/** `minimum` in code points. */
export function minLength(minimum: number): TextRule {
  const error = FieldError.of("TOO_SHORT", { minimum });
  // A code point is one or two UTF-16 units, so most texts need not be counted.
  return (value) =>
    value.length < minimum || (value.length < 2 * minimum && codePointLength(value) < minimum)
      ? error
      : undefined;
}

/** `maximum` in code points. */
export function maxLength(maximum: number): TextRule {
  const error = FieldError.of("TOO_LONG", { maximum });
  return (value) =>
    value.length > 2 * maximum || (value.length > maximum && codePointLength(value) > maximum)
      ? error
      : undefined;
}

export const noNul: TextRule = (value) => (hasNul(value) ? FieldError.of("NULL_CHARACTER") : undefined);

export const noLoneSurrogates: TextRule = (value) => {
  const character = firstLoneSurrogate(value);
  return character === undefined ? undefined : FieldError.of("SURROGATE_CHARACTER", { character });
};

export const emailFormat: TextRule = (value) =>
  isEmailAddress(value) ? undefined : FieldError.of("EMAIL_INVALID");

function isBetween(unit: number, low: number, high: number): boolean {
  return unit >= low && unit <= high;
}
