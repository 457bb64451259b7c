/** Rows of keys as they lie on a keyboard: digits and signs, QWERTY and QWERTZ. */
const keyRows = ["`1234567890-=", "^1234567890", "qwertyuiop[]\\", "qwertzuiop", "asdfghjkl;'", "zxcvbnm,./"];
const longestRepeated = 6;
const walks = keyRows.flatMap((row) => [row, Array.from(row).toReversed().join("")]);

/** Whether a text in small letters follows a rule that guessing begins with, so that no list has to name it. */
export function isGuessablePattern(text: string): boolean {
  return isRepetition(text) || isRun(text) || isDate(text) || walks.some((walk) => walk.includes(text));
}

/** A few characters again and again: "aaaaaaaa", "123123123", "qwertyqwerty". */
function isRepetition(text: string): boolean {
  for (let length = 1; length <= Math.min(longestRepeated, text.length / 2); length += 1)
    if (text.length % length === 0 && text === text.slice(0, length).repeat(text.length / length))
      return true;
  return false;
}

/** Each character is the next after the one before it, or each the previous. */
function isRun(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return [1, -1].some((step) =>
    codes.every((code, index) => index === 0 || code - (codes[index - 1] ?? 0) === step),
  );
}

/** A day of 1900 to 2050 in eight digits, in any order of day, month and year, with or without signs between them. */
function isDate(text: string): boolean {
  const digits = text.replaceAll(/(?<=\d)[-./ ](?=\d)/g, "");
  const orders = [/^(?<day>\d\d)(?<month>\d\d)(?<year>\d{4})$/, /^(?<month>\d\d)(?<day>\d\d)(?<year>\d{4})$/];
  const yearFirst = [
    /^(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)$/,
    /^(?<year>\d{4})(?<day>\d\d)(?<month>\d\d)$/,
  ];
  return [...orders, ...yearFirst].some((order) => {
    const { day = NaN, month = NaN, year = NaN } = order.exec(digits)?.groups ?? {};
    return isWithin(+day, 1, 31) && isWithin(+month, 1, 12) && isWithin(+year, 1900, 2050);
  });
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
