import type { Client } from "pg";

/** Who wants to know what this process itself changes, before it goes on. */
export interface OwnNotices {
  /** The message of the notices; in the detail is what is to be known. */
  channel: string;
  /** Called before whoever committed a change knows that it is committed; they go on when that has settled. */
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
