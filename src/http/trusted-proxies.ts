import { BlockList, isIPv6 } from "node:net";
import { normalizeAddress } from "../security/ip-address.ts";
import { readForwardedAddress } from "./client-address.ts";

/** False, how many proxies are in front of us, or their addresses and networks with commas between. */
export type TrustProxy = boolean | number | string;

/** Bits of an IPv4-mapped IPv6 address before those of the IPv4 address. */
const mappedPrefix = 96;

/**
 * Tells whether an address is a proxy that forwards for others: the peer of the connection (hop 0), or one that such a proxy
 * passes on.
 */
export function proxyTest(trustProxy: TrustProxy): (address: string, hop?: number) => boolean {
  if (typeof trustProxy !== "string") return (_address, hop = 0) => hop < Number(trustProxy);
  const proxies = new BlockList();
  for (const network of trustProxy.split(",")) {
    const [text = "", length] = network.trim().split("/");
    const address = normalizeAddress(text) ?? text;
    const isMapped = isIPv6(text) && !isIPv6(address);
    const bits = isIPv6(address) ? 128 : 32;
    const prefix = length === undefined ? bits : Number(length) - (isMapped ? mappedPrefix : 0);
    proxies.addSubnet(address, prefix, family(address));
  }
  return (text) => {
    const address = readForwardedAddress(text);
    return address !== undefined && proxies.check(address, family(address));
  };
}

function family(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
