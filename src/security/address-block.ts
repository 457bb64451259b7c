import ipaddr from "ipaddr.js";
import { isIP } from "node:net";

/** Bytes before an IPv4 address that an IPv6 address embeds: RFC 4291 (::ffff:0:0/96), RFC 6052 and RFC 3056. */
const embeddedAt: Record<string, number> = { ipv4Mapped: 12, rfc6052: 12, "6to4": 2 };

/**
 * The blocks that a client may have all addresses of, widest first: an IPv4 address; or the /48 and the /64 of an IPv6
 * address, which are a site's and a host's (RFC 6177). An IPv4 address that is embedded in IPv6 is IPv4.
 */
export function addressBlocks(address: string): [string, ...string[]] {
  if (isIP(address) !== 6) return [address];
  const parsed = ipaddr.IPv6.parse(address);
  const start = embeddedAt[parsed.range()];
  if (start !== undefined)
    return [
      parsed
        .toByteArray()
        .slice(start, start + 4)
        .join("."),
    ];
  return [networkOf(parsed.parts, 3), networkOf(parsed.parts, 4)];
}

/** What counts as one address when attempts are counted: the narrowest of its blocks. */
export function addressBlock(address: string): string {
  return addressBlocks(address).at(-1) ?? address;
}

function networkOf(parts: number[], groups: number): string {
  const network = parts.slice(0, groups).map((part) => part.toString(16));
  return `${network.join(":")}::/${groups * 16}`;
}
