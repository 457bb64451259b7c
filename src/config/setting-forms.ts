import { isIP } from "node:net";
import { z } from "zod";

/** Secrets count byte by byte: white space and quotes may belong to them. */
const secretSettings = new Set(["JWT_SECRET", "ENCRYPTION_KEY"]);

/** White space, invisible characters and marks that turn the direction of text. */
const unseen = /^[\s\p{C}]|[\s\p{C}]$|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const quoted = /^(["'`]).*\1$|^[“”„‘’«].*[“”‘’»]$/s;

/** What makes a value mean something else than it seems to; undefined when nothing does. */
export function unclearForm(name: string, value: string): string | undefined {
  if (secretSettings.has(name)) return undefined;
  if (unseen.test(value)) return "takes a value without white space around it or invisible characters in it";
  if (quoted.test(value)) return "takes a value without quotes around it";
  return value.startsWith(`${name}=`) ? `takes a value without "${name}=" before it` : undefined;
}

/** Whether a URL carries a user name or password, which would be published or logged with it. */
const hasCredentials = (text: string) => /^[a-z][a-z\d+.-]*:\/\/[^/?#]*@/i.test(text);

/** A single name: verifiers would compare a list as one name. */
export const identifier = z
  .string()
  .refine((text) => !/[\s,;"']/.test(text), "takes one value, without commas, blanks or quotes")
  .refine((text) => !hasCredentials(text), "takes a value without a user name or password");

export const filePath = z
  .string()
  .refine((text) => !text.includes("://"), "takes a path, not a URL")
  .refine(
    (text) => !text.startsWith("~"),
    "takes a path that begins with / or is relative; ~ is not expanded",
  );

const hostName = /^(?!\d+$)[a-z\d_][a-z\d_-]*$/i;

export const listeningHost = z.string().refine((text) => {
  const labels = text.replace(/\.$/, "").split(".");
  return (
    isIP(text) !== 0 ||
    (labels.every((label) => /^[a-z\d_][a-z\d_-]*$/i.test(label)) && hostName.test(labels.at(-1) ?? ""))
  );
}, "takes one IP address or host name, without a port or brackets");
