/** Control characters, those that turn the direction of text, line separators, halves of pairs and what has no meaning. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Text from outside for a terminal: what could move the cursor, change colours or begin a line becomes `\u001b` and the like. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
