import { Command } from "commander";

export function serveCommand(): Command {
  return new Command("serve")
    .description("start the gateway; SIGTERM or Ctrl-C stops it")
    .action(async () => {
      const { loadConfig } = await import("../config.ts");
      const { serve } = await import("../main.ts");
      await serve(loadConfig(process.env));
    });
}
