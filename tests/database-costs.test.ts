import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { measureDatabaseCosts, tellingLateness } from "./support/database-costs.ts";
import type { DatabaseCost } from "./support/database-costs.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { startStatementRelay } from "./support/statement-relay.ts";
import type { StatementRelay } from "./support/statement-relay.ts";

/** The most that each operation may cost, rate limits included. What costs less by now is to be lowered here. */
const most: Record<string, DatabaseCost> = {
  "me, warm": { queries: 1, roundTrips: 1 },
  "me, cold": { queries: 1, roundTrips: 1 },
  login: { queries: 8, roundTrips: 6 },
  register: { queries: 6, roundTrips: 6 },
  refreshToken: { queries: 1, roundTrips: 1 },
  updateUser: { queries: 6, roundTrips: 6 },
  "auth/verify, warm": { queries: 1, roundTrips: 1 },
  "auth/verify, cold": { queries: 1, roundTrips: 1 },
  logout: { queries: 1, roundTrips: 1 },
};

let databaseUrl: string;
let relay: StatementRelay;
let gateway: Gateway;
let other: Gateway;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  relay = await startStatementRelay(databaseUrl, tellingLateness);
  gateway = await startGateway({ DATABASE_URL: relay.url, RATE_LIMIT: "on" });
  other = await startReplica({ ...gateway, databaseUrl });
});
afterAll(async () => {
  await other.close();
  await gateway.close();
  await relay.close();
  await dropDatabase(databaseUrl);
});

it("no operation asks more of PostgreSQL, or waits for it more often, than it did", async () => {
  const costs = await measureDatabaseCosts({ url: gateway.url, otherUrl: other.url, relay });

  expect([...costs.keys()]).toEqual(Object.keys(most));
  const risen = [...costs].filter(([name, { queries, roundTrips }]) => {
    const limit = most[name];
    return !limit || queries > limit.queries || roundTrips > limit.roundTrips;
  });
  expect(Object.fromEntries(risen)).toEqual({});
});
