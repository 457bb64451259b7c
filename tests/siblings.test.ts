import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
let areHeard = true;
/** What siblings are asked to forget, and how it goes on. */
const told: { ids: readonly string[]; done: () => void; fail: (error: Error) => void }[] = [];
beforeAll(async () => {
  gateway = await startGateway(
    {},
    {
      forget: (ids) => new Promise((done, fail) => void told.push({ ids, done, fail })),
      isHeard: () => areHeard,
    },
  );
});
afterAll(() => gateway.close());

let people = 0;
async function signOut() {
  const username = `person${++people}`;
  const { token } = await register(gateway, {
    email: `${username}@b.co`,
    username,
    password: "correct horse",
  });
  let isAnswered = false;
  const answer = gateway
    .graphql("mutation { logout { revokedSessions } }", {}, `Token ${token}`)
    .finally(() => (isAnswered = true));
  await until(() => told.length > 0);
  const [telling] = told.splice(0);
  return { answer, telling, sid: decodeJwt(token)["sid"], isAnswered: () => isAnswered };
}
const signedOut = { data: { logout: { revokedSessions: 1 } } };

it("whoever changed something is answered after the other processes of the replica have forgotten it", async () => {
  const { answer, telling, sid, isAnswered } = await signOut();
  expect(telling?.ids).toEqual([sid]);
  // Time enough for an answer that waits for nothing.
  await gateway.graphql("{ __typename }");
  expect(isAnswered()).toBe(false);
  telling?.done();
  expect(await answer).toMatchObject(signedOut);
});

it("a sibling that fails, or never answers, keeps nobody waiting", async () => {
  const failed = await signOut();
  failed.telling?.fail(new Error("gone"));
  expect(await failed.answer).toMatchObject(signedOut);
  const silent = await signOut();
  expect(await silent.answer).toMatchObject(signedOut);
  expect(gateway.log.filter((line) => line.includes("could not be told of a change"))).toHaveLength(2);
});

it("what the other processes say is forgotten here, and while they are not heard nothing is remembered", async () => {
  const { token } = await register(gateway, { email: "x@b.co", username: "x", password: "correct horse" });
  const { sub: userId = "", sid: sessionId } = decodeJwt<{ sid: string }>(token);
  const { liveSessions } = gateway.app;
  const isKept = () => liveSessions.find({ userId, sessionId, generation: 0, expiresAt: 1 }) !== undefined;
  for (const id of [userId, sessionId, "*"]) {
    await until(async () => {
      await gateway.graphql("{ me { id } }", {}, `Token ${token}`);
      return isKept();
    });
    liveSessions.forget(id);
    expect(isKept()).toBe(false);
  }
  await until(async () => {
    await gateway.graphql("{ me { id } }", {}, `Token ${token}`);
    return isKept();
  });
  areHeard = false;
  expect(isKept()).toBe(false);
  areHeard = true;
});
