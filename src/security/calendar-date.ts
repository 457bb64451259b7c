// Unlike JavaScript's, Python's \d takes every decimal digit of Unicode and its $ stands before a last line feed.
const pattern = /^(\p{Nd}{4})-(\p{Nd}{1,2})-(\p{Nd}{1,2})\n?$/u;
const digit = /^\p{Nd}$/u;

/** The date as YYYY-MM-DD, read as Django's `parse_date` reads it; undefined unless it is a day from 0001 to 9999. */
export function parseCalendarDate(value: string): string | undefined {
  const [, year, month, day] = pattern.exec(value) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const date = `${asciiDigits(year)}-${asciiDigits(month).padStart(2, "0")}-${asciiDigits(day).padStart(2, "0")}`;
  return isCalendarDay(date) ? date : undefined;
}

/** A day that does not exist is either no date to JavaScript or rolls over into the next month. */
function isCalendarDay(date: string): boolean {
  const instant = new Date(`${date}T00:00:00Z`);
  return (
    !date.startsWith("0000") && !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(date)
  );
}

function asciiDigits(text: string): string {
  return Array.from(text, digitValue).join("");
}

/** Unicode keeps the digits of a script together and in order, so that a digit's value is its distance to the first. */
function digitValue(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  let first = codePoint;
  while (digit.test(String.fromCodePoint(first - 1))) first -= 1;
  return (codePoint - first) % 10;
}
