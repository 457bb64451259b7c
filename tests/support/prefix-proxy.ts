import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A reverse proxy that has a server below a path, and takes the path off, as nginx does with `proxy_pass …/;`. */
export async function startPrefixProxy(target: string, prefix: string) {
  const proxy = createServer((incoming, answer) => {
    const { method, headers, url = "" } = incoming;
    if (!url.startsWith(`${prefix}/`)) {
      answer.writeHead(404).end();
      return;
    }
    const passedOn = request(
      new URL(target + url.slice(prefix.length)),
      { method, headers: { ...headers } },
      (upstream) => {
        answer.writeHead(upstream.statusCode ?? 502, upstream.headers);
        upstream.pipe(answer);
      },
    );
    passedOn.on("error", () => answer.destroy());
    incoming.pipe(passedOn);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}`,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
