import type { FastifyRequest } from "fastify";
import { normalizeAddress } from "../security/ip-address.ts";

/** An address in brackets or not, with a port or not. Ports and the like may be obfuscated (RFC 7239, 6.3). */
const bracketed = /^\[([^[\]]+)\](?::[\w.-]+)?$/;
const ipv4WithPort = /^([\d.]+):[\w.-]+$/;

/** The address in a member of X-Forwarded-For, in the forms that proxies write; undefined where it holds none. */
export function readForwardedAddress(member: string): string | undefined {
  const text = /^"(.*)"$/.exec(member)?.[1] ?? member;
  const [, address = text] = bracketed.exec(text) ?? ipv4WithPort.exec(text) ?? [];
  return normalizeAddress(address);
}

/**
 * Where a request comes from: the member of X-Forwarded-For that the outermost trusted proxy wrote. Where it holds no
 * address, the request counts as that proxy's own, so no client can choose its address.
 */
export function clientAddress({ ips, socket }: FastifyRequest): string {
  for (const member of ips?.toReversed() ?? []) {
    const address = readForwardedAddress(member);
    if (address !== undefined) return address;
  }
  return normalizeAddress(socket.remoteAddress ?? "") ?? "";
}
