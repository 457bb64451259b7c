import { expect } from "@jest/globals";
import { createDatabase, dropDatabase } from "./database.ts";
import { startGateway, startReplica } from "./gateway.ts";
import type { Gateway } from "./gateway.ts";
import { startStatementRelay } from "./statement-relay.ts";

/** What of an answer could tell something: all of it, but for what differs from each request to the next. */
export interface Seen {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** What was asked of the database for it about accounts, sessions and events. */
  statements: string[];
}

export interface WatchedGateway {
  /** To prepare things by. */
  open: Gateway;
  /** The same database, with REGISTRATION_PRIVACY. */
  secretive: Gateway;
  /** What an operation shows that the secretive one answers. */
  seenOf(query: string, variables: object): Promise<Seen>;
  close(): Promise<void>;
}

/** A gateway that keeps secret who has an account, with everything in sight that could tell. */
export async function startWatchedGateway(): Promise<WatchedGateway> {
  const databaseUrl = await createDatabase();
  const relay = await startStatementRelay(databaseUrl);
  const open = await startGateway({ DATABASE_URL: databaseUrl, RATE_LIMIT: "off" });
  const secretive = await startReplica(open, {
    DATABASE_URL: relay.url,
    REGISTRATION_PRIVACY: "on",
    RATE_LIMIT: "off",
  });
  return {
    open,
    secretive,
    async seenOf(query, variables) {
      const before = relay.statements.length;
      const answer = await fetch(`${secretive.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      const headers = Object.fromEntries(answer.headers);
      for (const name of ["date", "x-request-id"]) delete headers[name];
      const text = await answer.text();
      const statements = relay.statements
        .slice(before)
        .filter((statement) => /\busers\b|\bsessions\b|auth_events/.test(statement))
        // Only texts are parameters: what is null stands in the statement.
        .map((statement) => statement.replaceAll(/\$\d+|\bnull\b/g, "?"));
      return { status: answer.status, headers, text, statements };
    },
    async close() {
      await secretive.close();
      await open.close();
      await relay.close();
      await dropDatabase(databaseUrl);
    },
  };
}

/** Makes attempts one after the other, which must look the same. */
export async function sameOf(...attempts: (() => Promise<Seen>)[]): Promise<Seen> {
  const seen: Seen[] = [];
  for (const attempt of attempts) seen.push(await attempt());
  for (const one of seen) expect(one).toEqual(seen[0]);
  return seen[0] as Seen;
}
