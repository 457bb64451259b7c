/** Control characters, those that turn the direction of text, line separators, halves of pairs and what has no meaning. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** The same, but for the ends of lines and the colours of a log on a terminal. */
// eslint-disable-next-line no-control-regex
const unprintableInLog = /(?!\n|\u001b\[\d+m)[\p{C}\p{Zl}\p{Zp}]/gu;

/** As almost every line is, and soon found to be. */
const plainLines = /^[\n -~]*$/;

/**
 * Text from outside for a terminal: what could move the cursor, hide or turn round text or begin a line becomes `\u001b`
 * and the like, as JSON has it. In JSON it changes the spelling only.
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, escaped);
}

/** Lines of a log, where pino has escaped what is below a space in whatever is not its own. */
export function printableLines(lines: string): string {
  return plainLines.test(lines) ? lines : lines.replaceAll(unprintableInLog, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
