import type { PoolClient } from "pg";
import type { Gateway } from "./gateway.ts";

export interface RoundTrips {
  /** How often one after the other the gateway waited for PostgreSQL: what is sent before an answer is there adds nothing. */
  count: number;
  /** What was sent, in order. */
  statements: string[];
}

type Ask = (...args: unknown[]) => Promise<unknown> | undefined;

/** Counts from now on, where the gateway asks its pool. */
export async function countRoundTrips({ app }: Gateway): Promise<RoundTrips> {
  const pool = await app.orm.em.getConnection().getNativeClient();
  const trips: RoundTrips = { count: 0, statements: [] };
  const watched = new WeakSet<PoolClient>();
  pool.on("acquire", (client) => {
    if (watched.has(client)) return;
    watched.add(client);
    const query = client.query.bind(client) as Ask;
    client.query = ((...args: unknown[]) => {
      const [statement, callback] = [args[0] as string | { text: string }, args.at(-1)];
      trips.statements.push(typeof statement === "string" ? statement : statement.text);
      const number = trips.count + 1;
      const answered = () => {
        trips.count = Math.max(trips.count, number);
      };
      if (typeof callback === "function")
        args[args.length - 1] = (...answer: unknown[]) => {
          answered();
          (callback as (...answer: unknown[]) => void)(...answer);
        };
      return query(...args)?.finally(answered);
    }) as typeof client.query;
  });
  return trips;
}
