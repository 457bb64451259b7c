import { BROWSER_MAP, parse } from "bowser";

const knownBrowsers = new Set(Object.values(BROWSER_MAP));

/** As people say it, where the library says more. */
const shortNames: Record<string, string> = {
  "Microsoft Edge": "Edge",
  "Samsung Internet for Android": "Samsung Internet",
};

/** The first product of a user agent (RFC 9110, 10.1.5), as long as it is a name and no essay. */
const firstProduct = /^([\w.+-]{1,40})(?:[/ (]|$)/;

/** "Firefox on macOS", from what the device says of itself; null when that says nothing. @param userAgent 512 characters at most */
export function deviceName(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const { browser, os } = parse(userAgent);
  const program = isBrowser(userAgent) ? knownBrowser(browser.name) : firstProduct.exec(userAgent)?.[1];
  return [program, os.name].filter(Boolean).join(" on ") || null;
}

/** All browsers call themselves so; apps and tools begin with their own name. */
function isBrowser(userAgent: string): boolean {
  return /^(?:Mozilla|Opera)\//.test(userAgent);
}

/** Where the library knows no browser, it takes text of the user agent for a name. */
function knownBrowser(name: string | undefined): string | undefined {
  return name !== undefined && knownBrowsers.has(name) ? (shortNames[name] ?? name) : undefined;
}
