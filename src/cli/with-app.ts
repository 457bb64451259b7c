import { createApp } from "../app.ts";
import type { App } from "../app.ts";
import { loadConfig } from "../config.ts";
import { createCommandLogger } from "../logger.ts";
import { tokenSecrets } from "../persistence/kept-secret.ts";
import { migrateOnStart } from "../persistence/migrations.ts";
import { openDatabaseBesideGateway } from "../persistence/open-database.ts";

/** Runs a command with the services of the gateway, beside a running gateway or without one, on a migrated database. */
export async function withApp(
  command: (app: App) => Promise<void>,
  { migrated = true }: { migrated?: boolean } = {},
): Promise<void> {
  const config = loadConfig(process.env);
  const database = await openDatabaseBesideGateway(config);
  try {
    const secrets = await tokenSecrets(config);
    const logger = createCommandLogger("warn");
    // Who is at a terminal of the machine guesses nothing.
    const app = await createApp(
      { ...config, rateLimits: undefined },
      { databaseUrl: database.url, ...secrets },
      logger,
    );
    try {
      if (migrated) await migrateOnStart(app.orm, config.migrateOnStart);
      await command(app);
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}
