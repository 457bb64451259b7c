import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { Client } from "pg";
import { startGateway } from "./support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "./support/gateway.ts";
import { errorsOf, reasonOf, register } from "./support/operations.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate users cascade"));

const ada = { email: "ada@Example.COM", username: "ada", password: "correct horse battery" };
const registerDocument = `mutation ($input: RegisterInput!) {
  register(input: $input) { user { id email username bio fullName birthDate isActive isStaff createdAt updatedAt } token }
}`;
const loginDocument = `mutation ($input: LoginInput!) { login(input: $input) { user { id } token refreshToken } }`;
const updateDocument = `mutation ($input: UpdateUserInput!) {
  updateUser(input: $input) { user { email username bio fullName birthDate updatedAt } }
}`;

/** Lets an operation come to where it waits for a change of the account that is about to be committed. */
async function duringChange(change: string, operate: () => Promise<GraphqlAnswer>): Promise<GraphqlAnswer> {
  const admin = new Client({ connectionString: gateway.databaseUrl });
  await admin.connect();
  await admin.query(`begin; update users set ${change}`);
  const answer = operate();
  await until(async () => {
    const waiting = await gateway.sql(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return waiting.length > 0;
  });
  await admin.query("commit");
  await admin.end();
  return answer;
}

describe("register", () => {
  it("makes an account that is signed in", async () => {
    const { data, errors } = await gateway.graphql(registerDocument, {
      input: { ...ada, bio: " I count. ", birthDate: "1815-12-1" },
    });
    expect(errors).toBeUndefined();
    expect(data.register.user).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/),
      email: "ada@example.com",
      username: "ada",
      bio: "I count.",
      fullName: null,
      birthDate: "1815-12-01",
      isActive: true,
      isStaff: false,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    const [row] = await gateway.sql("select password_hash, is_superuser from users");
    expect(row).toEqual({
      password_hash: expect.stringMatching(
        /^\$argon2id\$v=19\$m=8,p=1,t=1\$|^\$argon2id\$v=19\$m=8,t=1,p=1\$/,
      ),
      is_superuser: false,
    });
    const me = await gateway.graphql("{ me { username } }", {}, `Token ${data.register.token}`);
    expect(me.data).toEqual({ me: { username: "ada" } });
  });

  it("refuses names that differ from another's in case or Unicode form only", async () => {
    await register(gateway, { ...ada, username: "Ångström" });
    const answer = await gateway.graphql(registerDocument, {
      input: { ...ada, email: "ADA@example.com", username: "A\u030angstro\u0308M" },
    });
    expect(errorsOf(answer)).toEqual({
      email: ["user with this email already exists."],
      username: ["user with this username already exists."],
    });
  });

  it("knows an address again whose domain has no plain lower case", async () => {
    const input = { ...ada, email: "Ada@ex\u0130mple.com" };
    await register(gateway, input);
    const again = await gateway.graphql(registerDocument, { input: { ...input, username: "other" } });
    expect(errorsOf(again)).toEqual({ email: ["user with this email already exists."] });
    const { errors } = await gateway.graphql(loginDocument, {
      input: { email: input.email, password: ada.password },
    });
    expect(errors).toBeUndefined();
  });

  it("lets one of many win when they register one name at once (ASVS V15.4.2)", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        gateway.graphql(registerDocument, { input: { ...ada, email: `ada${index % 2}@example.com` } }),
      ),
    );
    const winners = answers.filter((answer) => answer.data !== null);
    expect(winners).toHaveLength(1);
    for (const answer of answers.filter(({ data }) => data === null))
      expect(errorsOf(answer)["username"]).toEqual(["user with this username already exists."]);
    expect(await gateway.sql("select count(*)::int from users")).toEqual([{ count: 1 }]);
    expect(await gateway.sql("select count(*)::int from sessions")).toEqual([{ count: 1 }]);
  });
});

describe("login", () => {
  it("takes the email or the username, in any case", async () => {
    await register(gateway, ada);
    for (const name of [{ email: "ADA@EXAMPLE.COM" }, { username: " ADA " }]) {
      const { data } = await gateway.graphql(loginDocument, { input: { ...name, password: ada.password } });
      expect(data.login.user.id).toBeDefined();
    }
    expect(await gateway.sql("select count(*)::int from sessions")).toEqual([{ count: 3 }]);
    expect(await gateway.sql("select last_login_at is not null as set from users")).toEqual([{ set: true }]);
  });

  it("asks for one name, and not for two", async () => {
    const none = await gateway.graphql(loginDocument, { input: { username: null, password: "x" } });
    expect(errorsOf(none)).toEqual({ email: ["This field is required."] });
    const both = await gateway.graphql(loginDocument, {
      input: { email: "a", username: "b", password: "x" },
    });
    expect(errorsOf(both)).toEqual({ error: ["Give either email or username, not both."] });
  });

  it("tells of a deactivated account only to those who know its password", async () => {
    await register(gateway, ada);
    await gateway.sql("update users set is_active = false");
    const knowing = await gateway.graphql(loginDocument, {
      input: { username: "ada", password: ada.password },
    });
    expect(errorsOf(knowing)).toEqual({ error: ["This user has been deactivated."] });
    const guessing = await gateway.graphql(loginDocument, { input: { username: "ada", password: "wrong" } });
    expect(errorsOf(guessing)).toEqual({ error: ["A user with this email and password was not found."] });
    expect(await gateway.sql("select count(*)::int from sessions")).toEqual([{ count: 1 }]);
  });

  it("hashes anew what was hashed with other parameters or by Django", async () => {
    await register(gateway, ada);
    const django = "pbkdf2_sha256$1000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=";
    await gateway.sql("update users set password_hash = $1", [django]);
    const input = { username: "ada", password: "password123" };
    expect((await gateway.graphql(loginDocument, { input })).errors).toBeUndefined();
    const [{ hash }] = (await gateway.sql("select password_hash as hash from users")) as [{ hash: string }];
    expect(hash).toMatch(/^\$argon2id\$/);
    expect((await gateway.graphql(loginDocument, { input })).errors).toBeUndefined();
    expect(await gateway.sql("select password_hash as hash from users")).toEqual([{ hash }]);
  });

  it("lets all of many in whose hash the first of them makes anew", async () => {
    await register(gateway, ada);
    const django = "pbkdf2_sha256$1000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=";
    await gateway.sql("update users set password_hash = $1", [django]);
    const input = { username: "ada", password: "password123" };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => gateway.graphql(loginDocument, { input })),
    );
    expect(answers.filter(({ errors }) => errors)).toEqual([]);
  });

  it.each([
    ["a password", "password_hash = '!'", "A user with this email and password was not found."],
    ["the right to sign in", "is_active = false", "This user has been deactivated."],
  ])(
    "opens no session when %s is changed between the look at the account and the sign-in",
    async (_what, change, message) => {
      await register(gateway, ada);
      const answer = await duringChange(change, () =>
        gateway.graphql(loginDocument, { input: { username: "ada", password: ada.password } }),
      );
      expect(errorsOf(answer)).toEqual({ error: [message] });
      expect(await gateway.sql("select count(*)::int from sessions")).toEqual([{ count: 1 }]);
    },
  );

  it("opens no session with a password that is changed at the same time", async () => {
    const { token } = await register(gateway, ada);
    const change = gateway.graphql(
      updateDocument,
      { input: { password: "another password" } },
      `Token ${token}`,
    );
    const logins = Array.from({ length: 20 }, () =>
      gateway.graphql(loginDocument, { input: { username: "ada", password: ada.password } }),
    );
    const [changed] = await Promise.all([change, ...logins]);
    expect(changed.errors).toBeUndefined();
    expect(await gateway.sql("select count(*)::int from sessions where revoked_at is null")).toEqual([
      { count: 1 },
    ]);
  });
});

describe("updateUser", () => {
  it("changes what is given and leaves the rest", async () => {
    const { token } = await register(gateway, { ...ada, bio: "old", fullName: "Ada" });
    const { data } = await gateway.graphql(
      updateDocument,
      { input: { bio: null, email: "countess@EXAMPLE.com", birthDate: "1815-12-10" } },
      `Token ${token}`,
    );
    expect(data.updateUser.user).toMatchObject({
      email: "countess@example.com",
      username: "ada",
      bio: null,
      fullName: "Ada",
      birthDate: "1815-12-10",
    });
    const [row] = await gateway.sql("select email, bio, updated_at > created_at as touched from users");
    expect(row).toEqual({ email: "countess@example.com", bio: null, touched: true });
  });

  it("saves nothing when one field is at fault", async () => {
    const { token } = await register(gateway, ada);
    const answer = await gateway.graphql(
      updateDocument,
      { input: { bio: "new", password: "short" } },
      `Token ${token}`,
    );
    expect(errorsOf(answer)).toEqual({ password: ["Ensure this field has at least 8 characters."] });
    expect(await gateway.sql("select bio from users")).toEqual([{ bio: null }]);
  });

  it("asks for the password again when the sign-in is old, for email and password only (ASVS V7.5.1)", async () => {
    const { token } = await register(gateway, ada);
    await gateway.sql("update sessions set authenticated_at = now() - interval '11 minutes'");
    const update = (input: object) => gateway.graphql(updateDocument, { input }, `Token ${token}`);

    expect((await update({ bio: "new", email: "ada@example.com" })).errors).toBeUndefined();
    expect(errorsOf(await update({ email: "new@example.com", bio: "" }))).toEqual({
      currentPassword: ["Enter your current password to change your email or password."],
      bio: ["This field may not be blank."],
    });
    expect(errorsOf(await update({ password: "another password", currentPassword: "wrong" }))).toEqual({
      currentPassword: ["The current password is not correct."],
    });
    expect(
      (
        await update({
          email: "new@example.com",
          password: "another password",
          currentPassword: ada.password,
        })
      ).errors,
    ).toBeUndefined();
    expect(await gateway.sql("select email from users")).toEqual([{ email: "new@example.com" }]);
  });

  it("lets one of two sessions that change the password at once end the other", async () => {
    const first = await register(gateway, ada);
    const second = await gateway.graphql(loginDocument, {
      input: { username: "ada", password: ada.password },
    });
    const answers = await Promise.all(
      [first.token, second.data.login.token].map((token, index) =>
        gateway.graphql(
          updateDocument,
          { input: { password: `another password ${index}` } },
          `Token ${token}`,
        ),
      ),
    );
    const refused = answers.filter(({ errors }) => errors !== undefined);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.errors?.[0].extensions.reason).toBe("TOKEN_REVOKED");
    expect(await gateway.sql("select count(*)::int from sessions where revoked_at is null")).toEqual([
      { count: 1 },
    ]);
  });

  it("is refused when the account is deactivated meanwhile", async () => {
    const { token } = await register(gateway, ada);
    const answer = await duringChange("is_active = false", () =>
      gateway.graphql(updateDocument, { input: { bio: "after" } }, `Token ${token}`),
    );
    expect(reasonOf(answer)).toBe("USER_DEACTIVATED");
    expect(await gateway.sql("select bio from users")).toEqual([{ bio: null }]);
  });

  it("gives one of many the name they all want", async () => {
    const users = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        register(gateway, { email: `u${index}@example.com`, username: `u${index}`, password: ada.password }),
      ),
    );
    const answers = await Promise.all(
      users.map(({ token }) =>
        gateway.graphql(updateDocument, { input: { username: "Wanted" } }, `Token ${token}`),
      ),
    );
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    for (const answer of answers.filter(({ errors }) => errors))
      expect(errorsOf(answer)).toEqual({ username: ["user with this username already exists."] });
  });
});
