import { afterAll, beforeAll, expect, it } from "@jest/globals";
import {
  asSuperuser,
  createDatabase,
  databaseUrl as urlOf,
  dropDatabase,
  query,
} from "./support/database.ts";
import { measureDatabaseCosts, tellingLateness } from "./support/database-costs.ts";
import type { DatabaseCost } from "./support/database-costs.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { plansOf, tablesReadThrough, tellPlans } from "./support/plans.ts";
import { populate, populatedTables } from "./support/population.ts";
import { startStatementRelay } from "./support/statement-relay.ts";
import type { StatementRelay } from "./support/statement-relay.ts";

/** The most that each operation may cost, rate limits included. What costs less by now is to be lowered here. */
const most: Record<string, DatabaseCost> = {
  "me, warm": { queries: 0, roundTrips: 0 },
  "me, cold": { queries: 1, roundTrips: 1 },
  login: { queries: 5, roundTrips: 2 },
  "login by email": { queries: 5, roundTrips: 2 },
  register: { queries: 3, roundTrips: 2 },
  refreshToken: { queries: 1, roundTrips: 1 },
  updateUser: { queries: 5, roundTrips: 5 },
  "auth/verify, warm": { queries: 0, roundTrips: 0 },
  "auth/verify, cold": { queries: 1, roundTrips: 1 },
  logout: { queries: 1, roundTrips: 1 },
};

/** So many that a look that no index serves would be dearer than one that an index serves. */
const size = { users: 2_000, sessions: 10_000 };

let databaseUrl: string;
let relay: StatementRelay;
let gateway: Gateway;
let other: Gateway;
let costs: Map<string, DatabaseCost>;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  await populate(
    asSuperuser(databaseUrl),
    size,
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng",
  );
  await query(urlOf("postgres"), tellPlans(new URL(databaseUrl).pathname.slice(1)));
  relay = await startStatementRelay(databaseUrl, tellingLateness);
  gateway = await startGateway({ DATABASE_URL: relay.url, RATE_LIMIT: "on" });
  other = await startReplica({ ...gateway, databaseUrl });
  relay.notices.length = 0;
  costs = await measureDatabaseCosts({ url: gateway.url, otherUrl: other.url, relay });
});
afterAll(async () => {
  await other.close();
  await gateway.close();
  await relay.close();
  await dropDatabase(databaseUrl);
});

it("no operation asks more of PostgreSQL, or waits for it more often, than it did", () => {
  expect([...costs.keys()]).toEqual(Object.keys(most));
  const risen = [...costs].filter(([name, { queries, roundTrips }]) => {
    const limit = most[name];
    return !limit || queries > limit.queries || roundTrips > limit.roundTrips;
  });
  expect(Object.fromEntries(risen)).toEqual({});
});

it("every statement of these operations finds its rows by an index", () => {
  const plans = plansOf(relay.notices);
  const readThrough = plans.filter((plan) =>
    tablesReadThrough(plan).some((table) => populatedTables.includes(table)),
  );

  expect(plans.some(({ statement }) => statement.includes("users u"))).toBe(true);
  expect(readThrough.map(({ statement }) => statement)).toEqual([]);
});
