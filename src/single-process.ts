import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { App, AppSecrets } from "./app.ts";
import type { Config } from "./config.ts";
import type { Closers } from "./lifetime.ts";
import { migrateOnStart } from "./persistence/migrations.ts";

/** How long requests in flight may take to finish after a signal, in milliseconds. */
const shutdownGrace = 10_000;

/** @returns the address it listens at. @throws an Error of one line when the start must not go on */
export async function listen(
  config: Config,
  secrets: AppSecrets,
  logger: Logger,
  closers: Closers,
): Promise<string> {
  const app = await createApp(config, secrets, logger);
  closeAtEnd(app, closers);
  await migrateOnStart(app.orm, config.migrateOnStart);
  return startListening(app, config);
}

export function closeAtEnd(app: App, closers: Closers): void {
  closers.push(async () => {
    const impatience = setTimeout(() => app.server.server.closeAllConnections(), shutdownGrace);
    await app.close();
    clearTimeout(impatience);
  });
}

/** On a migrated database. @returns the address */
export async function startListening(
  app: App,
  { host, port }: { host: string; port: number },
): Promise<string> {
  await app.start();
  return app.server.listen({ host, port }).catch((error: Error) => {
    throw new Error(`HOST and PORT cannot be listened on: ${error.message}`, { cause: error });
  });
}
