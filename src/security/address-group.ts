import { isIPv6 } from "node:net";

/**
 * What counts as one address: IPv4 as it is, also where IPv6 has it mapped into it; of IPv6 the first 64 bits, because
 * whoever has one address of a /64 has them all (RFC 4291, 2.5.4 and 2.5.5.2).
 */
export function addressGroup(ip: string): string {
  const address = ip.replace(/%.*$/s, "");
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/** The eight groups of 16 bits. */
function groupsOf(address: string): number[] {
  // A URL has one spelling for each address, with a dotted end turned into groups.
  const [start = "", end] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::", 2);
  const [before, after] = [start, end ?? ""].map((half) => half.split(":").filter(Boolean)) as [
    string[],
    string[],
  ];
  const gap = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...gap, ...after].map((group) => Number.parseInt(group, 16));
}
