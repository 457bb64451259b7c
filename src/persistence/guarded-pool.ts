import type { Pool, PoolClient } from "pg";
import { currentShare } from "../shares/current-caller.ts";
import { FairTurns } from "../shares/fair-turns.ts";
import { connectionFailure, isLastFailure, isLostServer, queryFailure } from "./connection-failure.ts";

/** Queries that may wait for a connection; each waits some seconds at most, and what it belongs to takes memory meanwhile. */
const mostWaiting = 1_000;

/** Milliseconds for which no more connections are opened after the server had none to give. */
const fullPause = 1_000;

/** SQLSTATE too_many_connections. */
const tooManyConnections = "53300";

/** Milliseconds that a query waits for a connection. */
const longestWait = 5_000;

/** Milliseconds between two times that all connections are doubted: opening them anew is work for the database. */
const doubtPause = 5_000;

/** After one of these has failed, the connection is never given back. */
const beginsOrEnds = /^(begin|start transaction|rollback)\b/;

type Callback = (error?: unknown, result?: unknown, release?: unknown) => void;
type Ask = (...args: unknown[]) => Promise<unknown> | undefined;

const answered = new WeakMap<Pool, number>();
const turnsOf = new WeakMap<Pool, FairTurns>();

/** How many queries of a guarded pool have been answered: a pool that is full and gets answers is only busy. */
export function answeredQueries(pool: Pool): number {
  return answered.get(pool) ?? 0;
}

/** How many queries wait for a connection of a guarded pool. */
export function waitingQueries(pool: Pool): number {
  return pool.waitingCount + (turnsOf.get(pool)?.waiting ?? 0);
}

/**
 * Keeps a pool clean. A connection of no more use leaves it at once: what holds it may not be able to give it back (a
 * transaction that failed to roll back never is), and nobody else must get it. What waits for one is bounded, callers take
 * turns, and whatever fails has a SQLSTATE.
 */
export function guardPool(pool: Pool): void {
  const held = new Set<PoolClient>();
  const turns = new FairTurns(pool.options.max, longestWait);
  turnsOf.set(pool, turns);
  const openedAt = new WeakMap<PoolClient, number>();
  const endsOfTurns = new Map<PoolClient, () => void>();
  let doubtedAt = -Infinity;
  const size = pool.options.max;
  let openConnections = 0;
  let full: NodeJS.Timeout | undefined;

  const discard = (client: PoolClient) => {
    if (!held.has(client)) return;
    client.release(true);
    // What held it may still do its part.
    client.release = () => {};
  };
  const judge = (client: PoolClient, text: string, failure: unknown) => {
    if (isLastFailure(failure) || beginsOrEnds.test(text)) discard(client);
    if (isLostServer(failure) && performance.now() > doubtedAt + doubtPause) doubtedAt = performance.now();
  };

  const count = () => answered.set(pool, answeredQueries(pool) + 1);

  pool.on("acquire", (client) => held.add(client));
  pool.on("release", (_error, client) => {
    held.delete(client);
    endsOfTurns.get(client)?.();
    endsOfTurns.delete(client);
  });
  pool.on("connect", (client) => {
    openedAt.set(client, performance.now());
    openConnections += 1;
    client.once("end", () => {
      openConnections -= 1;
      discard(client);
    });
    const query = client.query.bind(client) as Ask;
    client.query = observed(
      query,
      (text, failure) => judge(client, text, failure),
      count,
    ) as typeof client.query;
  });

  const open = pool.connect.bind(pool) as () => Promise<PoolClient>;
  /** When the server has no more connections to give, those that are open serve in turn. */
  const connect = async (): Promise<PoolClient> => {
    const deadline = performance.now() + longestWait;
    for (;;) {
      try {
        return await open();
      } catch (error) {
        const isServerFull = (error as { code?: unknown }).code === tooManyConnections;
        if (!isServerFull || openConnections === 0 || performance.now() > deadline) throw error;
        pool.options.max = openConnections;
        full ??= setTimeout(() => {
          full = undefined;
          pool.options.max = size;
        }, fullPause).unref();
      }
    }
  };
  const takeTurn = async () => {
    const share = currentShare();
    if (turns.waiting >= mostWaiting && !turns.displace(share))
      throw new Error("too many queries wait for a connection");
    return turns.take(share).catch((cause: unknown) => {
      throw new Error("no connection came free in time", { cause });
    });
  };
  const connectUndoubted = async () => {
    let client = await connect();
    // Also when the server has a successor by now: what was opened before leads to the old one.
    while ((openedAt.get(client) ?? 0) < doubtedAt) {
      client.release(true);
      client = await connect();
    }
    return client;
  };
  const connectInTurn = async () => {
    const endTurn = await takeTurn();
    try {
      const client = await connectUndoubted();
      // It may have been discarded meanwhile.
      if (held.has(client)) endsOfTurns.set(client, endTurn);
      else endTurn();
      return client;
    } catch (error) {
      endTurn();
      throw error;
    }
  };
  const connectOrSayWhyNot = () =>
    connectInTurn().catch((error: unknown) => {
      throw connectionFailure("08001 not opened", error);
    });
  const connectFor = async (callback: Callback) => {
    let client: PoolClient;
    try {
      client = await connectOrSayWhyNot();
    } catch (failure) {
      return callback(failure);
    }
    return callback(undefined, client, (error?: boolean) => client.release(error));
  };
  pool.connect = ((callback?: Callback) =>
    callback ? void connectFor(callback) : connectOrSayWhyNot()) as typeof pool.connect;
  pool.query = observed(pool.query.bind(pool), () => {}) as typeof pool.query;
}

/** The same, but of each failure is heard before who asked hears of it, and it has a SQLSTATE. */
function observed(ask: Ask, failed: (text: string, failure: unknown) => void, succeeded = () => {}): Ask {
  return (...args) => {
    const [query] = args as [string | { text: string }];
    const observe = (error: unknown) => {
      const failure = queryFailure(error);
      failed(typeof query === "string" ? query : query.text, failure);
      return failure;
    };
    const callback = args.at(-1);
    if (typeof callback === "function")
      args[args.length - 1] = ((error, result) => {
        if (!error) succeeded();
        (callback as Callback)(error ? observe(error) : error, result);
      }) satisfies Callback;
    return ask(...args)?.then(
      (result) => {
        succeeded();
        return result;
      },
      (error: unknown) => {
        throw observe(error);
      },
    );
  };
}
