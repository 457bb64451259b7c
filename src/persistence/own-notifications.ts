import type { PoolClient, QueryResult } from "pg";

/** Who wants to know what this process itself notifies, before it goes on. */
export interface OwnNotifications {
  /** The channel, as in `pg_notify(channel, payload)`. */
  channel: string;
  /** Called before whoever committed a change knows that it is committed; they go on when that has settled. */
  notified(payloads: readonly string[]): Promise<void> | undefined;
}

type Ask = (...args: unknown[]) => Promise<unknown> | undefined;

/**
 * Lets a connection of the pool listen to itself. PostgreSQL hands a session its own notifications before it says that the
 * commit is done (ReadyForQuery); so whatever is changed, by whatever statement, no request goes on before it is heard.
 */
export async function hearOwnNotifications(client: PoolClient, own: OwnNotifications): Promise<void> {
  // Of the server: what the connection was told at its start may be the number of a pooler.
  const answers: unknown = await client.query(
    `listen ${client.escapeIdentifier(own.channel)}; select pg_backend_pid() as pid`,
  );
  const [, selected] = answers as [unknown, QueryResult<{ pid: number }>];
  const pid = selected.rows[0]?.pid;
  const heard: string[] = [];
  client.on("notification", ({ channel, payload = "", processId }) => {
    // Of others it is heard on the listening connection.
    if (channel === own.channel && processId === pid) heard.push(payload);
  });
  const settled = () => (heard.length > 0 ? own.notified(heard.splice(0)) : undefined);
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
