import { join } from "node:path";
import { documentedConfiguration, findProgram, freePort, startProxy } from "./support/proxy.ts";
import { proxyPromises } from "./support/proxy-promises.ts";

const nginx = findProgram("nginx");

/** Debian's places for these belong to root. */
const ownPlaces = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
  (kind) => `${kind}_temp_path ${kind};`,
);

proxyPromises({
  name: "nginx",
  program: nginx,
  start: async (ports) => {
    const port = await freePort();
    const documented = await documentedConfiguration("nginx.md", "nginx", { ...ports, proxy: port });
    const configuration = documented.replace("http {", `http { access_log off; ${ownPlaces.join(" ")}`);
    return startProxy(port, { "nginx.conf": configuration }, (directory) => [
      nginx ?? "",
      "-p",
      directory,
      "-c",
      join(directory, "nginx.conf"),
      "-e",
      "stderr",
      "-g",
      "daemon off; pid nginx.pid;",
    ]);
  },
});
