import { isIPv4, isIPv6 } from "node:net";
import { toASCII } from "tr46";

// Python's `[A-Z]` with IGNORECASE also takes the four letters whose other case is an ASCII letter.
const letter = "A-Za-z\\u0130\\u0131\\u017f\\u212a";
const atom = `[-!#$%&'*+/=?^_\`{}|~0-9${letter}]+`;
const dotAtom = new RegExp(`^${atom}(?:\\.${atom})*$`);
const quotedString = new RegExp(
  `^"(?:[\\x01-\\x08\\x0b\\x0c\\x0e-\\x1f!#-\\[\\]-\\x7f${letter}]` +
    `|\\\\[\\x01-\\x09\\x0b\\x0c\\x0e-\\x7f${letter}])*"$`,
);
const label = new RegExp(`^[0-9${letter}](?:[0-9${letter}-]{0,61}[0-9${letter}])?$`);
const lastLabel = new RegExp(`^[0-9${letter}-]{1,62}[0-9${letter}]$`);
const addressLiteral = /^\[([^\]]*)\]$/;
const maxLength = 320;
const upperCase = /\p{Changes_When_Lowercased}/gu;

/** Whether Django 3.2's `EmailValidator` takes the value; time is linear, and constant beyond 640 UTF-16 units. */
export function isEmailAddress(value: string): boolean {
  const at = value.lastIndexOf("@");
  if (at < 0 || value.length > 2 * maxLength || Array.from(value).length > maxLength) return false;
  return isLocalPart(value.slice(0, at)) && isDomain(value.slice(at + 1));
}

/** The address as it is kept: local part as typed, domain in lower case. */
export function normalizeEmail(value: string): string {
  const at = value.lastIndexOf("@");
  return value.slice(0, at + 1) + value.slice(at + 1).replace(upperCase, lowerCase);
}

/** One by one: at the end of a word toLowerCase makes "ς" of "Σ", which is another domain. */
function lowerCase(character: string): string {
  return character.toLowerCase();
}

function isLocalPart(text: string): boolean {
  return dotAtom.test(text) || quotedString.test(text);
}

function isDomain(text: string): boolean {
  if (text === "localhost" || isAsciiDomain(text)) return true;
  const ascii = toASCII(text, { checkBidi: true, checkJoiners: true });
  return ascii !== null && isAsciiDomain(ascii);
}

function isAsciiDomain(text: string): boolean {
  return isHostName(text) || isAddressLiteral(text);
}

function isHostName(text: string): boolean {
  const labels = text.split(".");
  const last = labels.pop() ?? "";
  return labels.length > 0 && labels.every((each) => label.test(each)) && lastLabel.test(last);
}

function isAddressLiteral(text: string): boolean {
  const address = addressLiteral.exec(text)?.[1] ?? "";
  // Node takes an IPv6 zone ("%eth0"), which is of no use to anyone else.
  return isIPv4(address) || (isIPv6(address) && !address.includes("%"));
}
