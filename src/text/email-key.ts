import { isIPv6 } from "node:net";
import { toASCII } from "tr46";
import { foldCase } from "./case-folding.ts";

const quotedLocalPart = /^"(.*)"@$/s;
const dotAtom = /^[^\s"(),.:;<>@[\\\]]+(?:\.[^\s"(),.:;<>@[\\\]]+)*$/;

/**
 * The form in which email addresses are unique: the spellings of one mailbox have one key. It is for comparing; mail goes
 * to the address as it is stored.
 */
export function emailKey(email: string): string {
  const at = email.lastIndexOf("@");
  return foldCase(unquote(email.slice(0, at + 1))) + domainKey(email.slice(at + 1));
}

/** Quotes that need not be there make no other mailbox (RFC 5321, 4.1.2). */
function unquote(localPart: string): string {
  const content = quotedLocalPart.exec(localPart)?.[1]?.replaceAll(/\\(.)/gs, "$1");
  if (content === undefined) return localPart;
  return dotAtom.test(content) ? `${content}@` : `${JSON.stringify(content)}@`;
}

/**
 * UTS 46 alone, nontransitional: case folding before it would merge "faß.de" with "fass.de". Domains that it refuses were
 * let in as plain ASCII.
 */
function domainKey(domain: string): string {
  const ascii = toASCII(domain) ?? foldCase(domain);
  const address = /^\[(.*)\]$/s.exec(ascii)?.[1] ?? "";
  return isIPv6(address) ? (URL.parse(`http://[${address}]`)?.hostname ?? ascii) : ascii;
}
