import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { startStatementRelay } from "../support/statement-relay.ts";
import {
  accountOf,
  counts,
  password,
  registerDocument,
  sendFrom,
  signInFrom,
  throttled,
} from "../support/throttled.ts";

const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { bio } } }";
const changePasswordDocument =
  "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { session { token } } }";
const refreshDocument = "mutation ($old: JWT!) { refreshToken(refreshToken: $old) { refreshToken } }";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ ...throttled, RATE_LIMIT_ADDRESS: "15/1h" });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate attempts"));

const refresh = (from: string, old: string) => sendFrom(gateway, from, refreshDocument, { old });
const codes = async (count: number, act: (index: number) => Promise<{ code: string }>) => {
  const all: string[] = [];
  for (let index = 0; index < count; index++) all.push((await act(index)).code);
  return all;
};
const many = (count: number, code: string) => Array<string>(count).fill(code);

describe("the password check of updateUser", () => {
  const input = { password: "another horse battery", currentPassword: "a wrong password" };

  it("is made ten times for a session, from however many addresses", async () => {
    const { token } = await accountOf(gateway, "bob", "192.0.2.20");
    const update = (index: number) =>
      sendFrom(gateway, `198.51.100.${index}`, updateDocument, { input }, token);
    expect(await codes(12, update)).toEqual([...many(10, "BAD_USER_INPUT"), ...many(2, "TOO_MANY_REQUESTS")]);
    // What asks for no password is not concerned.
    const bio = { input: { bio: "I am." } };
    expect((await sendFrom(gateway, "198.51.100.1", updateDocument, bio, token)).code).toBe("OK");
  });

  it("counts with the sign-ins from the same address", async () => {
    const from = "192.0.2.21";
    const { token } = await accountOf(gateway, "cid", from);
    expect(await codes(5, () => signInFrom(gateway, from, "cid"))).toEqual(many(5, "BAD_USER_INPUT"));
    const update = () => sendFrom(gateway, from, updateDocument, { input }, token);
    expect(await codes(6, update)).toEqual([...many(5, "BAD_USER_INPUT"), "TOO_MANY_REQUESTS"]);
  });

  it("costs nothing with the right one", async () => {
    let { token } = await accountOf(gateway, "dan", "192.0.2.22");
    const right = { input: { password, currentPassword: password } };
    const update = async () => {
      const outcome = await sendFrom(gateway, "192.0.2.22", changePasswordDocument, right, token);
      ({ token } = outcome.data.updateUser.session);
      return outcome;
    };
    expect(await codes(12, update)).toEqual(many(12, "OK"));
    const points = await gateway.sql("select distinct points from attempts where key not like 'reg%'");
    expect(points).toEqual([{ points: 0 }]);
  });
});

describe("register", () => {
  it("is done twenty times an hour from one address, and then does not tell whether a name is taken (ASVS V2.4.1)", async () => {
    const from = "192.0.2.30";
    await accountOf(gateway, "eve", from);
    const again = (index: number) => {
      const [taken, free] = ["eve", `x${index}`];
      const names =
        index % 2
          ? { email: `${free}@example.com`, username: taken }
          : { email: `${taken}@example.com`, username: free };
      // It tells as much in a form that is refused in any case.
      const input = { ...names, password: index % 3 ? password : "short" };
      return sendFrom(gateway, from, registerDocument, { input });
    };
    expect(await codes(19, again)).toEqual(many(19, "BAD_USER_INPUT"));
    const { code, extensions, retryAfter } = await again(1);
    expect([code, extensions]).toEqual([
      "TOO_MANY_REQUESTS",
      { code: "TOO_MANY_REQUESTS", retryAfter: Number(retryAfter) },
    ]);
    expect(await gateway.sql("select from users where email like 'x%'")).toEqual([]);
    expect((await counts(gateway)).map(({ kind }) => kind)).toEqual(["registration"]);
    // Who has an account signs in to it all the same.
    expect((await signInFrom(gateway, from, "eve", password)).code).toBe("OK");
  });

  it("does not count forms that fail by themselves, nor changes of names, so that an office can register twenty people", async () => {
    const from = "192.0.2.33";
    const { token } = await accountOf(gateway, "office0", from);
    const form = { email: "new@example.com", username: "new", password };
    const faulty: object[] = [
      {},
      { ...form, email: "no address" },
      { ...form, username: "" },
      { ...form, password: "short" },
      { ...form, password: "password" },
      { ...form, birthDate: "yesterday" },
      { ...form, nickname: "n" },
      { username: "new" },
    ];
    for (const input of faulty)
      expect((await sendFrom(gateway, from, registerDocument, { input })).code).toBe("BAD_USER_INPUT");
    const changes = [{ email: "zero@example.com" }, { username: "zero" }, { email: "x", username: "other" }];
    const update = (input: object) => sendFrom(gateway, from, updateDocument, { input }, token);
    expect(await codes(3, (index) => update(changes[index] ?? {}))).toEqual(["OK", "OK", "BAD_USER_INPUT"]);
    for (let index = 1; index < 20; index++) await accountOf(gateway, `office${index}`, from);
    expect((await sendFrom(gateway, from, registerDocument, { input: form })).code).toBe("TOO_MANY_REQUESTS");
  });

  it("counts forms that fail by themselves beyond ten times as many: each tells that a name is free", async () => {
    const strict = await startReplica(gateway, { ...throttled, RATE_LIMIT_REGISTER: "2/1h" });
    const ask = (index: number) => {
      const input = { email: `free${index}@example.com`, username: `free${index}`, password: "short" };
      return sendFrom(strict, "192.0.2.34", registerDocument, { input });
    };
    expect(await codes(23, ask)).toEqual([...many(22, "BAD_USER_INPUT"), "TOO_MANY_REQUESTS"]);
    await strict.close();
  });

  it("counts a new email with REGISTRATION_PRIVACY, where only the write tells that it is taken", async () => {
    const { token } = await accountOf(gateway, "lea", "192.0.2.35");
    await accountOf(gateway, "mia", "192.0.2.36");
    const settings = { ...throttled, REGISTRATION_PRIVACY: "on", RATE_LIMIT_REGISTER: "3/1h" };
    const secretive = await startReplica(gateway, settings);
    const ask = () => {
      const input = { email: "mia@example.com", currentPassword: password };
      return sendFrom(secretive, "192.0.2.37", updateDocument, { input }, token);
    };
    expect(await codes(4, ask)).toEqual([...many(3, "BAD_USER_INPUT"), "TOO_MANY_REQUESTS"]);
    await secretive.close();
  });
});

describe("a new name", () => {
  it("is asked for as often as one registers, and no more is told of which are taken", async () => {
    const from = "192.0.2.31";
    const { token } = await accountOf(gateway, "kim", from);
    await accountOf(gateway, "leo", "192.0.2.32");
    const update = (input: object) => sendFrom(gateway, from, updateDocument, { input }, token);
    const ask = (index: number) =>
      update({ bio: "", [index % 2 ? "email" : "username"]: index % 2 ? "leo@example.com" : "leo" });
    expect(await codes(21, ask)).toEqual([...many(19, "BAD_USER_INPUT"), ...many(2, "TOO_MANY_REQUESTS")]);
    // One's own are no question.
    expect((await update({ email: "kim@EXAMPLE.com", username: "kim", bio: "I am." })).code).toBe("OK");
  });
});

describe("refreshToken", () => {
  it("is not counted when it works, and costs one statement", async () => {
    const relay = await startStatementRelay(gateway.databaseUrl);
    const counting = await startGateway({
      ...throttled,
      DATABASE_URL: relay.url,
      ENCRYPTION_KEY: gateway.jwtSecret,
    });
    let { refreshToken } = await accountOf(gateway, "fay", "192.0.2.40");
    await gateway.sql("truncate attempts");
    ({ refreshToken } = (
      await sendFrom(counting, "192.0.2.40", refreshDocument, { old: refreshToken })
    ).data.refreshToken);
    relay.statements.length = 0;
    const { code } = await sendFrom(counting, "192.0.2.40", refreshDocument, { old: refreshToken });
    expect([code, relay.statements.length]).toEqual(["OK", 1]);
    expect(await counts(gateway)).toEqual([]);
    await counting.close();
    await relay.close();
  });

  it("is refused to who makes tokens up, and to nobody else behind the same address (ASVS V2.4.1)", async () => {
    const from = "192.0.2.41";
    const [{ refreshToken: honest }, { refreshToken: ended, token }] = [
      await accountOf(gateway, "gus", from),
      await accountOf(gateway, "hal", from),
    ];
    await sendFrom(gateway, from, "mutation { logout { revokedSessions } }", {}, token);
    const forged = (index: number) => refresh(from, `${honest.slice(0, -8)}${10_000_000 + index}`);
    expect(await codes(17, forged)).toEqual([
      ...many(15, "UNAUTHENTICATED"),
      ...many(2, "TOO_MANY_REQUESTS"),
    ]);
    expect((await refresh(from, honest)).code).toBe("OK");
    expect((await refresh(from, ended)).extensions).toMatchObject({ reason: "TOKEN_REVOKED" });
    expect((await signInFrom(gateway, from, "gus", password)).code).toBe("OK");
  });

  it("is refused to a token that is sent in vain again and again, from wherever", async () => {
    const { refreshToken, token } = await accountOf(gateway, "ivy", "192.0.2.42");
    await sendFrom(gateway, "192.0.2.42", "mutation { logout { revokedSessions } }", {}, token);
    const again = (index: number) => refresh(`198.51.100.${index}`, refreshToken);
    expect(await codes(17, again)).toEqual([...many(15, "UNAUTHENTICATED"), ...many(2, "TOO_MANY_REQUESTS")]);
  });
});

it("expired counts are removed in the background, others stay", async () => {
  await signInFrom(gateway, "192.0.2.50", "nobody");
  await gateway.sql(
    "insert into attempts select 'address:' || n, 1, extract(epoch from now()) * 1000 - 1 from generate_series(1, 600) n",
  );
  while (await gateway.app.removal.removeBatch());
  expect((await counts(gateway)).map(({ kind }) => kind)).toEqual([
    "account",
    "account-and-address",
    "address",
  ]);
});

it("RATE_LIMIT=off counts nothing", async () => {
  const open = await startReplica(gateway, { RATE_LIMIT: "off" });
  expect(await codes(20, () => signInFrom(open, "192.0.2.60", "nobody"))).toEqual(many(20, "BAD_USER_INPUT"));
  expect(await counts(gateway)).toEqual([]);
  await open.close();
});

it("where attempts cannot be counted nobody is let through, and nobody is told that a password was wrong (ASVS V16.5.3)", async () => {
  const from = "192.0.2.70";
  const { token, refreshToken } = await accountOf(gateway, "jim", from);
  await gateway.sql("alter table attempts rename to attempts_away");
  const update = { input: { password: "another horse battery", currentPassword: password } };
  const register = { input: { email: "k@example.com", username: "k", password } };
  const unavailable = {
    code: "SERVICE_UNAVAILABLE",
    message: "The service is temporarily unavailable. Try again in a moment.",
    status: 200,
    retryAfter: "5",
  };
  expect(await signInFrom(gateway, from, "jim", password)).toMatchObject(unavailable);
  expect(await signInFrom(gateway, from, "jim")).toMatchObject(unavailable);
  expect(await sendFrom(gateway, from, updateDocument, update, token)).toMatchObject(unavailable);
  expect(await sendFrom(gateway, from, registerDocument, register)).toMatchObject(unavailable);
  expect(await gateway.sql("select from users where username = 'k'")).toEqual([]);
  // What is not counted goes on.
  expect((await refresh(from, refreshToken)).code).toBe("OK");
  await gateway.sql("alter table attempts_away rename to attempts");
  expect((await signInFrom(gateway, from, "jim", password)).code).toBe("OK");
});
