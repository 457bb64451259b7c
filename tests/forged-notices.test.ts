import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { Client } from "pg";
import { createVerifier } from "../src/verify/verifier.ts";
import type { Verifier } from "../src/verify/verifier.ts";
import { asSuperuser, createDatabase, dropDatabase, query } from "./support/database.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { feedPath } from "./support/revocation-feed.ts";
import { startStatementRelay } from "./support/statement-relay.ts";
import type { StatementRelay } from "./support/statement-relay.ts";
import { until } from "./support/until.ts";

let databaseUrl: string;
let relay: StatementRelay;
let gateway: Gateway;
let verifier: Verifier;
let forger: Client;
/** Can connect to the database and has no other right. */
const role = `forger_${randomUUID().replaceAll("-", "")}`;

beforeAll(async () => {
  databaseUrl = await createDatabase();
  relay = await startStatementRelay(databaseUrl);
  gateway = await startGateway({ DATABASE_URL: relay.url });
  verifier = createVerifier({
    issuer: "gatehouse",
    audience: "gatehouse",
    jwksUri: `${gateway.url}/.well-known/jwks.json`,
    revocations: `${gateway.url}${feedPath}`,
  });
  await query(asSuperuser(databaseUrl), `create role ${role} login password 'forger'`);
  const url = new URL(databaseUrl);
  [url.username, url.password] = [role, "forger"];
  forger = new Client({ connectionString: url.href });
  await forger.connect();
});
afterAll(async () => {
  await forger.end();
  verifier.close();
  await gateway.close();
  await relay.close();
  await query(asSuperuser(databaseUrl), `drop role ${role}`);
  await dropDatabase(databaseUrl);
});

const channels = ["gatehouse_session_ended", "gatehouse_forget", "gatehouse_signing_keys"];
const me = async ({ token }: Tokens) =>
  (await gateway.graphql("{ me { username } }", {}, `Token ${token}`)).data;
const verdict = ({ token }: Tokens) =>
  verifier.verify(token).then(
    () => "good",
    ({ reason }: { reason: string }) => reason,
  );
const list = async () => {
  const answer = await fetch(`${gateway.url}${feedPath}`);
  expect(answer.status).toBe(200);
  return answer.text();
};
/** Statements that read what a notice may be about. */
const reads = () =>
  relay.statements.filter((text) => /from (session_revocations|signing_keys)\b/.test(text)).length;

it("lets no role of the database end a session, grow the list or cause unbounded reads by its notices", async () => {
  await expect(forger.query("select from sessions")).rejects.toThrow("permission denied");
  const tokens = await register(gateway, {
    email: "ada@example.com",
    username: "ada",
    password: "correct horse battery",
  });
  const { sid, sub = "" } = decodeJwt<{ sid: string }>(tokens.token);
  expect([await verdict(tokens), await me(tokens)]).toEqual(["good", { me: { username: "ada" } }]);
  const before = (await list()).length;

  const startedAt = performance.now();
  const readsBefore = reads();
  for (let round = 0; round < 50; round++) {
    for (const channel of channels) {
      await forger.query("select pg_notify($1, gen_random_uuid()::text) from generate_series(1, 100)", [
        channel,
      ]);
      for (const payload of [sid, sub, "*", "all", `sub ${sub}`, "", "x".repeat(7_000)])
        await forger.query("select pg_notify($1, $2)", [channel, payload]);
    }
    expect([await verdict(tokens), await me(tokens)]).toEqual(["good", { me: { username: "ada" } }]);
  }
  // A true sign-out is heard in the midst of it.
  const leaving = await register(gateway, {
    email: "b@example.com",
    username: "b",
    password: "correct horse battery",
  });
  await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${leaving.token}`);
  await until(async () => (await verdict(leaving)) === "TOKEN_REVOKED");

  const seconds = (performance.now() - startedAt) / 1000;
  // Of each of two tables ten times a second at most, what is read without any notice included.
  expect(reads() - readsBefore).toBeLessThan(20 + 20 * seconds);
  expect((await list()).length - before).toBeLessThan(100);
  expect([await verdict(tokens), await me(tokens)]).toEqual(["good", { me: { username: "ada" } }]);
});
