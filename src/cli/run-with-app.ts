import { createApp } from "../app.ts";
import type { App } from "../app.ts";
import { runWithDatabase } from "./run-with-database.ts";

/** Runs a command with the services of the gateway. */
export async function runWithApp(command: (app: App) => Promise<void>): Promise<void> {
  await runWithDatabase(async ({ config, secrets, logger }) => {
    // Who is at a terminal of the machine guesses nothing.
    const app = await createApp({ ...config, rateLimits: undefined }, secrets, logger);
    try {
      await command(app);
    } finally {
      await app.close();
    }
  });
}
