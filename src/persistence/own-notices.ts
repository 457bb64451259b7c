import type { Client } from "pg";

/** Receives the changes that this process itself commits. */
export interface OwnNotices {
  /** The message of the notices; their detail names what has changed. */
  channel: string;
  /** Called before the committing code continues, which waits for the result. */
  notified(details: readonly string[]): Promise<void> | undefined;
}

type Ask = (...args: unknown[]) => Promise<unknown> | undefined;

/**
 * Lets a connection of the pool hear what it changes. The database's triggers say it with `raise info` to whoever makes a
 * change, by whatever statement, while it is made; once the transaction is over it is passed on, before any request goes on.
 */
export function hearOwnNotices(client: Client, own: OwnNotices): void {
  const heard: string[] = [];
  client.on("notice", ({ message, detail }) => {
    if (message === own.channel && detail !== undefined) heard.push(detail);
  });
  // Before the commit would be too early: a request could still read what was, and keep it.
  const settled = () =>
    heard.length > 0 && client.getTransactionStatus() === "I" ? own.notified(heard.splice(0)) : undefined;
  const ask = client.query.bind(client) as Ask;
  client.query = ((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === "function")
      args[args.length - 1] = (...answer: unknown[]) => {
        const goOn = () => void callback(...answer);
        const settling = settled();
        if (settling) void settling.then(goOn);
        else goOn();
      };
    return ask(...args)?.then(
      (result) => settled()?.then(() => result) ?? result,
      async (error: unknown) => {
        await settled();
        throw error;
      },
    );
  }) as typeof client.query;
}
