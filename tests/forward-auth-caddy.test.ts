import { documentedConfiguration, findProgram, freePort, startProxy } from "./support/proxy.ts";
import { proxyPromises } from "./support/proxy-promises.ts";

const caddy = findProgram("caddy");

proxyPromises({
  name: "Caddy",
  program: caddy,
  start: async (ports) => {
    const port = await freePort();
    const configuration = await documentedConfiguration("caddy.md", "caddyfile", { ...ports, proxy: port });
    return startProxy(port, { Caddyfile: configuration }, () => [
      caddy ?? "",
      "run",
      "--config",
      "Caddyfile",
      "--adapter",
      "caddyfile",
    ]);
  },
});
