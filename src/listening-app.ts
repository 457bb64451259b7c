import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { App, AppSecrets } from "./app.ts";
import type { Config } from "./config/config.ts";
import type { Closers } from "./lifetime.ts";
import type { Siblings } from "./sessions/own-changes.ts";

/** How long requests in flight may take to finish after a signal, in milliseconds. */
const shutdownGrace = 10_000;

export async function openApp(
  config: Config,
  secrets: AppSecrets,
  logger: Logger,
  closers: Closers,
  siblings?: Siblings,
): Promise<App> {
  const app = await createApp(config, secrets, logger, siblings);
  closers.push(async () => {
    const impatience = setTimeout(() => app.server.server.closeAllConnections(), shutdownGrace);
    await app.close();
    clearTimeout(impatience);
  });
  return app;
}

/** On a migrated database. @returns the address. @throws an Error of one line when the start must not go on */
export async function startListening(
  app: App,
  { host, port }: { host: string; port: number },
): Promise<string> {
  await app.start();
  return app.server.listen({ host, port }).catch((error: Error) => {
    throw new Error(`HOST and PORT cannot be listened on: ${error.message}`, { cause: error });
  });
}
