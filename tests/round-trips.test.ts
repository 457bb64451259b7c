import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { countRoundTrips } from "./support/round-trips.ts";
import type { RoundTrips } from "./support/round-trips.ts";
import { accountOf, password, sendFrom, signInFrom, throttled } from "./support/throttled.ts";

const home = "192.0.2.1";
// One shared secret, so that nothing but the operations asks the database.
const environment = { ...throttled, JWT_ALGORITHM: "HS256" };

let gateway: Gateway;
let trips: RoundTrips;
beforeAll(async () => {
  gateway = await startGateway(environment);
  // Connections are there, as they are a moment after the start.
  const em = gateway.app.orm.em;
  await Promise.all(Array.from({ length: 8 }, () => em.fork().execute("select pg_sleep(0.05)")));
  trips = await countRoundTrips(gateway);
});
afterAll(() => gateway.close());
beforeEach(() => {
  trips.count = 0;
});

const signIn = async (name = "ada") => (await signInFrom(gateway, home, name, password)).code;
const refreshDocument = "mutation ($old: JWT!) { refreshToken(refreshToken: $old) { refreshToken } }";

describe("the times that PostgreSQL is waited for", () => {
  it("are two for register, and none more while it hashes", async () => {
    await accountOf(gateway, "ada", home);
    expect(trips.count).toBe(2);
  });

  it("are two for register with REGISTRATION_PRIVACY", async () => {
    const secretive = await startReplica(gateway, { ...environment, REGISTRATION_PRIVACY: "on" });
    const counted = await countRoundTrips(secretive);
    const input = { email: "eve@example.com", username: "eve", password };
    const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    expect((await sendFrom(secretive, home, document, { input })).code).toBe("SIGN_IN_REQUIRED");
    await secretive.close();
    expect(counted.count).toBe(2);
  });

  it("are two for login where this address has asked for this name before, and three where not", async () => {
    expect(await signIn()).toBe("OK");
    expect(trips.count).toBe(3);
    trips.count = 0;
    expect(await signIn()).toBe("OK");
    expect(trips.count).toBe(2);
  });

  it("are as many for login with a name that nobody has", async () => {
    const counts = [];
    for (let index = 0; index < 3; index++) {
      trips.count = 0;
      expect(await signIn("nobody")).toBe("BAD_USER_INPUT");
      counts.push(trips.count);
    }
    // The second wrong password makes the next count longer, with a statement of its own.
    expect([counts[0], counts[2]]).toEqual([3, 2]);
  });

  it("is one for refreshToken", async () => {
    const { refreshToken: old } = await accountOf(gateway, "bob", "192.0.2.2");
    trips.count = 0;
    trips.statements.length = 0;
    expect((await sendFrom(gateway, home, refreshDocument, { old })).code).toBe("OK");
    expect([trips.count, trips.statements.length]).toEqual([1, 1]);
  });
});
