import { isIPv6 } from "node:net";

/**
 * What counts as one address when somebody is counted: an IPv4 address, or the /64 network of an IPv6 address, of which
 * a single host has all 18 quintillion (RFC 4291, 2.5.4; RFC 6177). IPv4 in IPv6 clothes (::ffff:192.0.2.1) is IPv4.
 */
export function addressBlock(address: string): string {
  const [bare = ""] = address.split("%", 1);
  if (!isIPv6(bare)) return address;
  const groups = groupsOf(bare);
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  return `${network.join(":")}::/64`;
}

/** The eight groups of 16 bits. */
function groupsOf(address: string): number[] {
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":").flatMap(readGroup));
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function readGroup(text: string): number[] {
  if (text === "") return [];
  if (!text.includes(".")) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
  return [a * 256 + b, c * 256 + d];
}
