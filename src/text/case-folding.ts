const cherokee = /\p{Script=Cherokee}/u;

/**
 * Full case folding of Unicode (CaseFolding.txt, C and F), up to canonical equivalence: "Straße" and "STRASSE" become
 * "strasse". Needs no locale. Each character is folded by itself, so that a final "Σ" becomes "σ" like any other.
 */
export function foldCase(text: string): string {
  return text.replace(/\p{Changes_When_Casefolded}/gu, foldCharacter);
}

function foldCharacter(character: string): string {
  // Cherokee folds to its capitals, which are the older letters. The first toLowerCase is for "ẞ".
  if (cherokee.test(character)) return character.toUpperCase();
  return character.toLowerCase().toUpperCase().toLowerCase();
}
