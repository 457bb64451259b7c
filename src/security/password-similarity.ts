/** Characters of a word that says something of a name. */
const shortestWord = 3;

/**
 * Whether parts of a name make up half of a password or more, or the password is a piece of one of them; without regard
 * to case and Unicode form.
 */
export function isMadeOf(password: string, parts: readonly string[]): boolean {
  const whole = folded(password);
  const pieces = parts.map(folded).filter(Boolean);
  if (pieces.some((piece) => piece.includes(whole))) return true;
  // NUL, which no password has, marks what was taken out: what stood beside it does not become a word.
  const rest = pieces
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, piece) => text.replaceAll(piece, "\0"), whole);
  return 2 * rest.replaceAll("\0", "").length <= whole.length;
}

/** A name and the words in it. */
export function withItsWords(name: string): string[] {
  const words = name.split(/[^\p{L}\p{M}\p{N}]+/u);
  return [name, ...words.filter((word) => word.length >= shortestWord)];
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
