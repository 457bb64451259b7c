import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { createVerifier } from "../../src/verify/verifier.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import { until } from "../support/until.ts";

let gateway: Gateway;
/** Another replica on the same database. */
let other: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
  other = await startReplica(gateway);
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

const account = (username: string) => ({
  email: `${username}@example.com`,
  username,
  password: "a password",
});

it("reaches who verifies offline by one replica, when it is done on another, within seconds", async () => {
  const verifier = createVerifier({
    issuer: "gatehouse",
    audience: "gatehouse",
    jwksUri: `${gateway.url}/.well-known/jwks.json`,
    revocations: `${gateway.url}/.well-known/revoked-sessions`,
  });
  const leaving = await register(gateway, account("leaving"));
  const staying = await register(gateway, account("staying"));
  const reasonOf = (token: string) =>
    verifier.verify(token).then(
      () => "good",
      (error: { reason: string }) => error.reason,
    );
  expect(await reasonOf(leaving.token)).toBe("good");

  await other.graphql("mutation { logout { revokedSessions } }", {}, `Token ${leaving.token}`);
  await until(async () => (await reasonOf(leaving.token)) === "TOKEN_REVOKED", 5_000);
  expect(await reasonOf(staying.token)).toBe("good");
  expect(verifier.staleness()).toBeLessThan(15);
  verifier.close();
});
