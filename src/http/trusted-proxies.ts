import { BlockList, isIPv6 } from "node:net";

/** False, how many proxies are in front of us, or their addresses and networks with commas between. */
export type TrustProxy = boolean | number | string;

/** Tells whether whoever connects to us is a proxy that speaks for others. */
export function proxyTest(trustProxy: TrustProxy): (address: string) => boolean {
  if (typeof trustProxy !== "string") return () => Boolean(trustProxy);
  const proxies = new BlockList();
  for (const network of trustProxy.split(",")) {
    const [address = "", prefix] = network.trim().split("/");
    const bits = isIPv6(address) ? 128 : 32;
    proxies.addSubnet(address, Number(prefix ?? bits), family(address));
  }
  // An IPv4 address in IPv6 clothes is found among the IPv4 networks.
  return (address) => proxies.check(address, family(address));
}

function family(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
