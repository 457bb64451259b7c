import { Command } from "commander";
import { loadConfig } from "../config.ts";
import { serve } from "../main.ts";

export function serveCommand(): Command {
  return new Command("serve")
    .description("start the gateway; SIGTERM or Ctrl-C stops it")
    .action(() => serve(loadConfig(process.env)));
}
