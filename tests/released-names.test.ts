import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { Client } from "pg";
import { query } from "./support/database.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "./support/gateway.ts";
import { errorsOf, register } from "./support/operations.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const password = "correct horse battery";
const account = (name: string) => ({ email: `${name}@example.com`, username: name, password });
let ada: string;
let bob: string;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  ({ token: ada } = await register(gateway, account("ada")));
  ({ token: bob } = await register(gateway, account("bob")));
});

const update = (token: string, input: object, from = gateway) =>
  from.graphql(
    "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { username email } } }",
    { input },
    `Token ${token}`,
  );
const renamed = async (token: string, input: object) => {
  const { errors } = await update(token, input);
  expect(errors).toBeUndefined();
};
const tryRegister = (input: object, from = gateway): Promise<GraphqlAnswer> =>
  from.graphql("mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }", { input });
const takenUsername = { username: ["user with this username already exists."] };
const takenEmail = { email: ["user with this email already exists."] };

describe("a name that an account gave up", () => {
  it("is given to no other account, in whatever case or form", async () => {
    await renamed(ada, { username: "countess", email: "countess@example.com" });
    for (const username of ["ada", "ADA", "ａｄａ"]) {
      expect(errorsOf(await tryRegister({ ...account("c"), username }))).toEqual(takenUsername);
      expect(errorsOf(await update(bob, { username }))).toEqual(takenUsername);
    }
    for (const email of ["ada@example.com", "Ada@EXAMPLE.com"]) {
      expect(errorsOf(await tryRegister({ ...account("c"), email }))).toEqual(takenEmail);
      expect(errorsOf(await update(bob, { email }))).toEqual(takenEmail);
    }
    expect(errorsOf(await tryRegister(account("ada")))).toEqual({ ...takenEmail, ...takenUsername });
    const superuser = gateway.app.accounts.createSuperuser(account("ada"), { ip: null, userAgent: null });
    await expect(superuser).rejects.toMatchObject({ code: "BAD_USER_INPUT" });
    expect((await tryRegister(account("c"))).errors).toBeUndefined();
  });

  it("can be taken back by that account, which then gives it up anew", async () => {
    for (let round = 0; round < 2; round++) {
      await renamed(ada, { username: "countess", email: "countess@example.com" });
      await renamed(ada, { username: "Ada", email: "ADA@example.com" });
      expect(errorsOf(await update(bob, { username: "countess" }))).toEqual(takenUsername);
    }
    await renamed(ada, { username: "ada" });
    expect(errorsOf(await update(bob, { username: "ada" }))).toEqual(takenUsername);
  });

  it("stays reserved when the account is deleted", async () => {
    await renamed(ada, { username: "countess" });
    await gateway.sql("delete from users where username = 'countess'");
    for (const username of ["ada", "countess"])
      expect(errorsOf(await tryRegister({ ...account("c"), username }))).toEqual(takenUsername);
    expect(errorsOf(await tryRegister({ ...account("c"), email: "ada@example.com" }))).toEqual(takenEmail);
    expect(JSON.stringify(await gateway.sql("select * from released_names"))).not.toMatch(/ada|countess/);
  });

  it("is free after NAME_REUSE_AFTER, and with 0s at once", async () => {
    await renamed(ada, { username: "countess" });
    const lenient = await startReplica(gateway, { NAME_REUSE_AFTER: "0s" });
    expect((await tryRegister({ ...account("c"), username: "ada" }, lenient)).errors).toBeUndefined();
    await renamed(bob, { username: "robert" });
    await gateway.sql("update released_names set released_at = now() - interval '89 days'");
    expect(errorsOf(await tryRegister({ ...account("d"), username: "bob" }))).toEqual(takenUsername);
    await gateway.sql("update released_names set released_at = now() - interval '91 days'");
    expect((await tryRegister({ ...account("d"), username: "bob" })).errors).toBeUndefined();
    await renamed(bob, { username: "rob" });
    expect(await gateway.sql("select from released_names")).toHaveLength(1);
    await lenient.app.removal.removeBatch();
    expect(await gateway.sql("select from released_names")).toHaveLength(0);
    await lenient.close();
  });

  it("is refused to whoever waits for the transaction that takes it and gives it up", async () => {
    const secretive = await startReplica(gateway, { REGISTRATION_PRIVACY: "on" });
    const asking: [string, () => Promise<GraphqlAnswer>][] = [
      ["BAD_USER_INPUT", () => tryRegister({ ...account("c"), username: "wanted" })],
      ["BAD_USER_INPUT", () => update(bob, { username: "wanted" })],
      ["SIGN_IN_REQUIRED", () => tryRegister({ ...account("c"), username: "wanted" }, secretive)],
    ];
    for (const [code, ask] of asking) {
      const owner = new Client({ connectionString: gateway.databaseUrl });
      await owner.connect();
      try {
        await owner.query("begin; update users set username = 'wanted' where email = 'ada@example.com'");
        // The check finds the name free; the write waits at the unique index.
        const answer = ask();
        await until(async () => {
          const waiting =
            "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
          return (await query(gateway.databaseUrl, waiting)).length > 0;
        }, 30_000);
        await owner.query("update users set username = 'ada' where email = 'ada@example.com'; commit");
        expect((await answer).errors?.[0].extensions.code).toBe(code);
      } finally {
        await owner.end();
      }
      expect(await gateway.sql("select from users where username = 'wanted'")).toEqual([]);
      await gateway.sql("delete from released_names");
    }
    await secretive.close();
  });

  it("is one of twenty that an account can reserve", async () => {
    for (let index = 0; index < 30; index++) await renamed(ada, { username: `ada${index}` });
    expect(await gateway.sql("select from released_names")).toHaveLength(20);
    expect(errorsOf(await update(bob, { username: "ada28" }))).toEqual(takenUsername);
    expect((await update(bob, { username: "ada" })).errors).toBeUndefined();
  });
});

describe("a register that does not tell who has an account", () => {
  it("makes none with a name that is reserved, and answers the same", async () => {
    const secretive = await startReplica(gateway, { REGISTRATION_PRIVACY: "on" });
    await renamed(ada, { username: "countess", email: "countess@example.com" });
    for (const input of [account("ada"), { ...account("c"), username: "ada" }, account("free")]) {
      const { errors } = await tryRegister(input, secretive);
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["SIGN_IN_REQUIRED"]);
    }
    expect(await gateway.sql("select username from users order by username")).toEqual(
      ["bob", "countess", "free"].map((username) => ({ username })),
    );
    await secretive.close();
  });
});

describe("a change of username", () => {
  it("asks for the current password once the sign-in is older than REAUTHENTICATE_AFTER", async () => {
    await gateway.sql("update sessions set authenticated_at = now() - interval '11 minutes'");
    expect(errorsOf(await update(ada, { username: "countess" }))).toEqual({
      currentPassword: ["Enter your current password to change your username."],
    });
    expect(errorsOf(await update(ada, { username: "countess", currentPassword: "wrong" }))).toEqual({
      currentPassword: ["The current password is not correct."],
    });
    await renamed(ada, { username: "ada", bio: "Nothing that needs it." });
    await renamed(ada, { username: "countess", currentPassword: password });
  });
});
