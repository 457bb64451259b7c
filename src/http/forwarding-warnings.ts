import type { FastifyInstance, FastifyRequest } from "fastify";
import { readForwardedAddress } from "./client-address.ts";
import type { TrustProxy } from "./trusted-proxies.ts";

/** Characters of a header that are logged. */
const longestMember = 64;

/** Says what is wrong with X-Forwarded-For, if anything is. Once, because anybody can send the header. */
export function warnAboutForwarding(server: FastifyInstance, trustProxy: TrustProxy): void {
  let warned = false;
  const warn = trustProxy === false ? warnOfUntrusted : warnOfUnreadable;
  server.addHook("onRequest", (request, _reply, done) => {
    if (!warned && request.headers["x-forwarded-for"] !== undefined) warned = warn(request);
    done();
  });
}

/** Behind a proxy that is not named, everybody has its address, and shares the limits of one. */
function warnOfUntrusted({ log }: FastifyRequest): true {
  log.warn("X-Forwarded-For came and is not believed: if a proxy is in front, set TRUST_PROXY");
  return true;
}

/** @returns whether there was something to say */
function warnOfUnreadable({ ips, log }: FastifyRequest): boolean {
  const member = ips?.at(-1) ?? "";
  if (readForwardedAddress(member) !== undefined) return false;
  log.warn(
    { member: member.slice(0, longestMember) },
    "X-Forwarded-For has no address for the client: requests like this count as the proxy's own. Check what the proxy writes, and TRUST_PROXY",
  );
  return true;
}
