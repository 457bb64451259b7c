import type { Worker } from "node:cluster";

/**
 * Closes the connection that a worker was handed and has not taken when it ends: Node keeps it open, and who is at its
 * other end would wait for ever. One at a time is on its way to a worker; one that was taken is closed here already.
 */
export function closeUntakenConnection(worker: Worker): void {
  let handed: { close?: () => void } | undefined;
  // A worker that could not be started has no channel.
  if (!worker.isConnected()) return;
  const send = worker.process.send.bind(worker.process) as (...args: unknown[]) => boolean;
  worker.process.send = (message: { act?: string }, ...rest: unknown[]) => {
    if (message.act === "newconn") handed = rest[0] as typeof handed;
    return send(message, ...rest);
  };
  worker.once("exit", () => handed?.close?.());
}
