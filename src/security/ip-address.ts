import ipaddr from "ipaddr.js";
import { isIP } from "node:net";

/**
 * The one spelling of an address: IPv4, also where it is mapped into IPv6 (RFC 4291, 2.5.5.2), or IPv6 as RFC 5952 says,
 * without a zone.
 * @returns undefined for what is no address; IPv4 with leading zeros is none, as it is ambiguous
 */
export function normalizeAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  // Without the zone, which means nothing to other hosts.
  const [address = ""] = text.split("%", 1);
  if (isIP(address) !== 6) return undefined;
  const parsed = ipaddr.IPv6.parse(address);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toRFC5952String();
}
