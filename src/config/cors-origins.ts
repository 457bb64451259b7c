import { commaList } from "./config-values.ts";

const form = /^([a-z][a-z\d+.-]*):\/\/([^\s/?#@\\%*]+)\/?$/i;

/** As browsers send it: a name, in ASCII and lower case, or an IP address. */
const webHost = /^(?:[a-z\d._-]+|\[[\da-f:.]+\])$/;

/** Browsers and the shells of apps lower-case it, as they do names of the web. */
const appAuthority = /^[a-z\d._-]+(?::\d{1,5})?$/i;

/** Their pages have the origin `null`, which any site can have. */
const withoutOrigin = new Set([
  "about",
  "blob",
  "data",
  "file",
  "filesystem",
  "ftp",
  "javascript",
  "ws",
  "wss",
]);

/** What browsers send as `Origin` for it (RFC 6454, 6.2), and so what requests are compared with. */
function serializeOrigin(text: string): string | undefined {
  const [, scheme = "", authority = ""] = form.exec(text) ?? [];
  if (!URL.canParse(text)) return undefined;
  if (["http", "https"].includes(scheme.toLowerCase())) {
    const { origin, hostname } = new URL(text);
    return webHost.test(hostname) ? origin : undefined;
  }
  if (withoutOrigin.has(scheme.toLowerCase()) || !appAuthority.test(authority)) return undefined;
  return `${scheme}://${authority}`.toLowerCase();
}

/** A list of origins -> each as browsers send it. */
export const origins = commaList.transform((list, context) => {
  const serialized = list.map(serializeOrigin);
  if (serialized.includes(undefined))
    context.addIssue("takes origins such as https://app.example.com, separated by commas");
  return serialized.filter((origin) => origin !== undefined);
});
