import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { tellingLateness } from "./support/database-costs.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { startStatementRelay } from "./support/statement-relay.ts";
import type { StatementRelay } from "./support/statement-relay.ts";
import { accountOf, password, sendFrom, signInFrom, throttled } from "./support/throttled.ts";

const home = "192.0.2.1";
// One shared secret, so that nothing but the operations asks the database.
const environment = { ...throttled, JWT_ALGORITHM: "HS256" };

let databaseUrl: string;
let relay: StatementRelay;
let gateway: Gateway;
let before: number;
/** Of the test so far. */
const trips = () => relay.trips.count - before;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  relay = await startStatementRelay(databaseUrl, tellingLateness);
  gateway = await startGateway({ ...environment, DATABASE_URL: relay.url });
  await openConnections(gateway);
});
afterAll(async () => {
  await gateway.close();
  await relay.close();
  await dropDatabase(databaseUrl);
});
beforeEach(() => {
  before = relay.trips.count;
});

/** They are there, as they are a moment after the start. */
const openConnections = ({ app }: Gateway) =>
  Promise.all(Array.from({ length: 8 }, () => app.orm.em.fork().execute("select pg_sleep(0.05)")));

const signIn = async (name = "ada") => (await signInFrom(gateway, home, name, password)).code;
const refreshDocument = "mutation ($old: JWT!) { refreshToken(refreshToken: $old) { refreshToken } }";

describe("the times that PostgreSQL is waited for", () => {
  it("are two for register, and none more while it hashes", async () => {
    await accountOf(gateway, "ada", home);
    expect(trips()).toBe(2);
  });

  it("are two for register with REGISTRATION_PRIVACY", async () => {
    const secretive = await startReplica(gateway, { ...environment, REGISTRATION_PRIVACY: "on" });
    await openConnections(secretive);
    before = relay.trips.count;
    const input = { email: "eve@example.com", username: "eve", password };
    const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    expect((await sendFrom(secretive, home, document, { input })).code).toBe("SIGN_IN_REQUIRED");
    expect(trips()).toBe(2);
    await secretive.close();
  });

  it("are two for login where this address has asked for this name before, and three where not", async () => {
    expect(await signIn()).toBe("OK");
    expect(trips()).toBe(3);
    before = relay.trips.count;
    expect(await signIn()).toBe("OK");
    expect(trips()).toBe(2);
  });

  it("are as many for login with a name that nobody has", async () => {
    const counts = [];
    for (let index = 0; index < 3; index++) {
      before = relay.trips.count;
      expect(await signIn("nobody")).toBe("BAD_USER_INPUT");
      counts.push(trips());
    }
    // The second wrong password makes the next count longer, with a statement of its own.
    expect([counts[0], counts[2]]).toEqual([3, 2]);
  });

  it("is one for refreshToken", async () => {
    const { refreshToken: old } = await accountOf(gateway, "bob", "192.0.2.2");
    before = relay.trips.count;
    relay.statements.length = 0;
    expect((await sendFrom(gateway, home, refreshDocument, { old })).code).toBe("OK");
    expect([trips(), relay.statements.length]).toEqual([1, 1]);
  });
});
