import { Command } from "commander";
import cluster from "node:cluster";

export function serveCommand(): Command {
  return new Command("serve")
    .description("start the gateway; SIGTERM or Ctrl-C stops it")
    .action(async () => {
      const { readSettings } = await import("./read-settings.ts");
      const config = readSettings();
      if (cluster.isWorker) {
        const { serveAsWorker } = await import("../workers/worker-process.ts");
        return serveAsWorker(config);
      }
      const { serve } = await import("../main.ts");
      return serve(config);
    });
}
