import { punycode } from "./punycode.ts";

// Node's domainToASCII follows UTS 46, whose mapping and prohibitions differ, and reads its argument as a URL.

const dots = /[.\u3002\uff0e\uff61]/;
const onlyAscii = /^\p{ASCII}*$/u;
const mappedToNothing = new RegExp(
  String.raw`[\xad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]`,
  "g",
);
const prohibited = new RegExp(
  String.raw`[\x80-\xa0\u0340\u0341\u06dd\u070f\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2063\u206a-\u206f` +
    String.raw`\u2ff0-\u2ffb\u3000\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}` +
    String.raw`\p{Co}\p{Cs}\p{Noncharacter_Code_Point}]`,
  "u",
);
const rightToLeft =
  String.raw`[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f` +
  String.raw`\u0671-\u06d5\u06dd\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\u200f` +
  String.raw`\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40\ufb41\ufb43\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d` +
  String.raw`\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]`;
const anyRightToLeft = new RegExp(rightToLeft);
const rightToLeftAtBothEnds = new RegExp(`^${rightToLeft}(?:.*${rightToLeft})?$`, "s");
// Letters that Unicode added to these scripts after version 3.2 have no direction in the RFC's tables.
const directionless = String.raw`[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]`;
const leftToRight = new RegExp(String.raw`(?!${rightToLeft}|${directionless})[\p{L}\p{Mc}\p{Nl}]`, "u");
const maxLabel = 63;

/**
 * The ASCII form of a domain by IDNA 2003 (RFC 3490), as Python's "idna" codec makes it; undefined if it has none.
 * That no label is empty or over 63 characters is for the caller to see to.
 */
export function idnaDomain(domain: string): string | undefined {
  const labels = domain.split(dots).map(asciiLabel);
  return labels.includes(undefined) ? undefined : labels.join(".");
}

function asciiLabel(label: string): string | undefined {
  if (onlyAscii.test(label)) return label;
  const prepared = nameprep(label);
  if (prepared === undefined || onlyAscii.test(prepared)) return prepared;
  // Punycode is never shorter than its text, so these would be too long in any case.
  if (prepared.startsWith("xn--") || Array.from(prepared).length > maxLabel) return undefined;
  return `xn--${punycode(prepared)}`;
}

/** RFC 3491, with this runtime's Unicode tables where the RFC has those of Unicode 3.2. */
function nameprep(label: string): string | undefined {
  const prepared = foldCase(foldCase(label.replace(mappedToNothing, "")).normalize("NFKC")).normalize("NFKC");
  if (prohibited.test(prepared)) return undefined;
  if (!anyRightToLeft.test(prepared)) return prepared;
  return rightToLeftAtBothEnds.test(prepared) && !leftToRight.test(prepared) ? prepared : undefined;
}

/** Full case folding: by way of the upper case, so that "ß" becomes "ss"; one by one, so that "Σ" is always "σ". */
function foldCase(text: string): string {
  return Array.from(text, (each) => (each === "ı" ? each : each.toUpperCase().toLowerCase())).join("");
}
