import { measureDatabaseCosts, tellingLateness } from "../tests/support/database-costs.ts";
import type { DatabaseCost } from "../tests/support/database-costs.ts";
import { startStatementRelay } from "../tests/support/statement-relay.ts";
import { onDatabase, startGateway } from "./gateway.ts";
import type { CleanUp } from "./undo.ts";

export interface Trips {
  /** By operation, rate limits included. */
  costs: Map<string, DatabaseCost>;
  /** What PostgreSQL said meanwhile besides its answers. */
  notices: string[];
}

/** What each operation asks of PostgreSQL, on two gateways of their own. */
export async function measureTrips(
  cleanUp: CleanUp,
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<Trips> {
  const relay = await startStatementRelay(databaseUrl, tellingLateness);
  cleanUp.push(() => relay.close());
  const gateway = await startGateway(cleanUp, { ...onDatabase(relay.url), ...settings, RATE_LIMIT: "on" });
  const other = await startGateway(cleanUp, { ...onDatabase(databaseUrl), ...settings });
  const [url, otherUrl] = [gateway, other].map((each) => new URL(each.url).origin);
  const notices = relay.notices;
  // What the start asks, once, is another matter.
  notices.length = 0;
  return { costs: await measureDatabaseCosts({ url: url ?? "", otherUrl: otherUrl ?? "", relay }), notices };
}
