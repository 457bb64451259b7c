import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceUnavailable } from "../../src/errors.ts";
import { argon2Check, decoyArgon2Hash } from "../../src/security/argon2-hash.ts";
import { HashProcesses } from "../../src/security/hash-processes.ts";
import { AttemptStore } from "../../src/throttling/attempt-store.ts";
import { Throttle } from "../../src/throttling/throttle.service.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { counts, throttled } from "../support/throttled.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway(throttled);
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate attempts"));

/** A try at a password, of which comes what `verify` says. */
const attempt = async (verify: () => Promise<{ valid: boolean }>) => {
  const charged = gateway.app.service(Throttle).passwordAttempt("192.0.2.1");
  await charged.chargeAddress();
  await charged.chargeAccount({ account: "ada", isKnownPlace: false });
  await charged.check(verify).catch(() => {});
  await charged.settled();
};
const wrong = async () => ({ valid: false });
const fails = (error: Error) => async () => {
  throw error;
};
const points = async () => (await counts(gateway)).map((count) => count.points);

describe("a try that was not hashed", () => {
  it("is given back, and makes no wait longer", async () => {
    await attempt(wrong);
    for (let index = 0; index < 6; index++) await attempt(fails(new ServiceUnavailable()));
    expect(await points()).toEqual([1, 1, 1]);
    const seconds = (await counts(gateway)).map((count) => count.seconds);
    for (const [index, most] of [3600, 900, 3600].entries()) expect(seconds[index]).toBeLessThanOrEqual(most);
  });

  it("stays charged where hashing itself has failed", async () => {
    await attempt(fails(new Error("The thread ended.")));
    expect(await points()).toEqual([1, 1, 1]);
  });

  it("stays charged where a process ends over it, as it may after a wrong password alone", async () => {
    const processes = new HashProcesses(
      { warn() {} },
      new URL("../support/dying-hash-child.js", import.meta.url),
    );
    const check = argon2Check(decoyArgon2Hash({ memoryCost: 19_456, timeCost: 2, parallelism: 1 }));
    await attempt(async () => {
      await processes.derive("a guess", check.derivation(1));
      return { valid: true };
    });
    expect(await points()).toEqual([1, 1, 1]);
  });
});

it("who makes a count longer and who gives back do not wait for each other", async () => {
  const store = new AttemptStore(gateway.app.orm.em);
  const growth = { first: 1_000, longest: 4_000, remembered: 9_000, most: 3 };
  await gateway.sql("insert into attempts values ('count', 1000, 1e13), ('count:strikes', 1000, 1e13)");
  const take = (index: number) =>
    index % 2 ? store.lengthen("count", "count:strikes", growth) : store.giveBack(["count", "count:strikes"]);
  for (let round = 0; round < 20; round++)
    await Promise.all(Array.from({ length: 8 }, (_, index) => take(index)));
});
