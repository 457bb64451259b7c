import cluster from "node:cluster";
import type { App } from "../app.ts";
import type { Config } from "../config/config.ts";
import { live } from "../lifetime.ts";
import { openApp, startListening } from "../listening-app.ts";
import { createLogger } from "../logging/logger.ts";
import type { Begin, ToParent, ToWorker } from "./messages.ts";
import { SiblingWorkers } from "./sibling-workers.ts";

/** One of several processes that listen at the same address. It ends with its parent, and when that says so. */
export async function serveAsWorker(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel).child({ worker: cluster.worker?.id });
  let app: App | undefined;
  const siblings = new SiblingWorkers(send, (id) => app?.liveSessions.forget(id));
  const begin = Promise.withResolvers<Begin>();
  const end = Promise.withResolvers<void>();
  process.on("message", (message: ToWorker) => {
    if (message.kind === "begin") begin.resolve(message);
    else if (message.kind === "stop") end.resolve();
    else siblings.hear(message);
  });
  // A terminal and a service manager signal the workers as well as their parent, which knows when it is time.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

  await live(
    logger,
    async (closers) => {
      const { secrets } = await begin.promise;
      app = await openApp(config, secrets, logger, closers, siblings);
      siblings.start();
      const address = await startListening(app, config);
      send({ kind: "ready", address });
    },
    (stop) => void end.promise.then(() => stop("the gateway stops")),
  ).catch((error: Error) => send({ kind: "failed", reason: error.message }, () => process.exit(1)));
}

/** A parent that is gone takes us with it. */
function send(message: ToParent, sent = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}
