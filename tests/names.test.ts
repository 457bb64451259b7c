import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createDatabase, databaseUrl, dropDatabase, query } from "./support/database.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { errorsOf, register } from "./support/operations.ts";

const password = "correct horse battery";
const registerDocument = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { user { email username } } }";
const updateDocument =
  "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { email username } } }";

const emailTaken = { email: ["user with this email already exists."] };
const usernameTaken = { username: ["user with this username already exists."] };

const usernameSpellings = [
  ["Νίκος", "ΝΊΚΟΣ", "νίκοσ", "Νι\u0301κος"],
  ["admin", "ADMIN", "ａｄｍｉｎ", "ⓐdmin"],
  ["Straße", "STRASSE", "STRAẞE", "ſtrasse"],
  ["ILGAZ", "ilgaz"],
];
const emailSpellings = [
  ["ada@example.com", "ADA@ｅｘａｍｐｌｅ.com", "ada@exam\u00adple.com", '"ada"@example。com'],
  ["b@mu\u0308nchen.de", "b@MÜNCHEN.de", "b@xn--mnchen-3ya.de", "b@XN--MNCHEN-3YA.de"],
  ["ik@example.com", "IK@example.com", "I\u212a@EXAMPLE.com"],
  ["c@[::1]", "c@[0:0:0:0:0:0:0:1]"],
];

const tryToRegister = async (gateway: Gateway, input: object) =>
  gateway.graphql(registerDocument, { input: { password, ...input } });
const login = async (gateway: Gateway, names: object) =>
  (await gateway.graphql(loginDocument, { input: { password, ...names } })).data?.login.user;

describe.each([
  ["the default locale", ""],
  ["the locale C", "locale_provider libc locale 'C'"],
  ["the ICU locale tr-TR", "locale 'C' locale_provider icu icu_locale 'tr-TR'"],
])("in a database with %s", (_locale, options) => {
  let gateway: Gateway;
  let url: string;
  beforeAll(async () => {
    const empty = await createDatabase("template0");
    const name = new URL(empty).pathname.slice(1);
    await dropDatabase(empty);
    await query(
      databaseUrl("postgres"),
      `create database ${name} template template0 encoding 'UTF8' ${options}`,
    );
    url = databaseUrl(name);
    gateway = await startGateway({ DATABASE_URL: url });
  });
  afterAll(async () => {
    await gateway.close();
    await dropDatabase(url);
  });
  beforeEach(() => gateway.sql("truncate users cascade"));

  it.each(usernameSpellings)("a username is one in every spelling: %j", async (...spellings) => {
    for (const [index, username] of spellings.entries()) {
      await gateway.sql("truncate users cascade");
      await register(gateway, { email: `e${index}@example.com`, username, password });
      for (const other of spellings) {
        expect(
          errorsOf(await tryToRegister(gateway, { email: "other@example.com", username: other })),
        ).toEqual(usernameTaken);
        expect(await login(gateway, { username: other })).toMatchObject({ username });
      }
    }
  });

  it.each(emailSpellings)("a mailbox has one account in every spelling: %j", async (...spellings) => {
    for (const email of spellings) {
      await gateway.sql("truncate users cascade");
      await register(gateway, { email, username: "one", password });
      for (const other of spellings) {
        expect(errorsOf(await tryToRegister(gateway, { email: other, username: "other" }))).toEqual(
          emailTaken,
        );
        expect(await login(gateway, { email: other })).toMatchObject({ username: "one" });
      }
    }
  });

  it("names that differ are free", async () => {
    const emails = ["a@faß.de", "a@fass.de", "a.b@fass.de", '"a\\ b"@fass.de'];
    const usernames = ["ı", "i", "і", "i\u0307"];
    for (const [index, email] of emails.entries())
      await register(gateway, { email, username: usernames[index], password });
    for (const [index, email] of emails.entries())
      expect(await login(gateway, { username: usernames[index] })).toMatchObject({ email });
  });

  it("one's own names may change their spelling", async () => {
    const { token } = await register(gateway, { email: "a@fass.de", username: "Straße", password });
    const input = { email: "A@FASS.de", username: "STRASSE", currentPassword: password };
    const answer = await gateway.graphql(updateDocument, { input }, `Token ${token}`);
    expect(answer.data.updateUser.user).toEqual({ email: "A@fass.de", username: "STRASSE" });
    expect(await login(gateway, { username: "straße" })).toMatchObject({ username: "STRASSE" });
    await register(gateway, { email: "b@example.com", username: "b", password });
    const taken = { email: "b@EXAMPLE.com", username: "B", currentPassword: password };
    expect(errorsOf(await gateway.graphql(updateDocument, { input: taken }, `Token ${token}`))).toEqual({
      ...emailTaken,
      ...usernameTaken,
    });
  });

  it("of registrations in several spellings at once one succeeds", async () => {
    const answers = await Promise.all(
      ["Straße", "STRASSE", "straße", "STRAẞE"].map((username, index) =>
        tryToRegister(gateway, { email: `race${index}@example.com`, username }),
      ),
    );
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    for (const answer of answers) if (answer.errors) expect(errorsOf(answer)).toEqual(usernameTaken);
  });
});

describe("other spellings of a name", () => {
  it("share the count of wrong passwords, known or not", async () => {
    const gateway = await startGateway({ RATE_LIMIT: "on", RATE_LIMIT_PASSWORD: "3/1h" });
    await register(gateway, { email: "a@xn--mnchen-3ya.de", username: "Νίκος", password });
    const attempts = [
      ["username", ["Νίκος", "ΝΊΚΟΣ", "νίκοσ", "Νι\u0301κος"]],
      ["username", ["Straße", "STRASSE", "straße", "ſtrasse"]],
      ["email", ["b@münchen.de", "b@MÜNCHEN.de", "B@xn--mnchen-3ya.de", "b@mu\u0308nchen.de"]],
    ] as const;
    for (const [field, names] of attempts) {
      const codes = [];
      for (const name of names) {
        const input = { [field]: name, password: "wrong password" };
        codes.push((await gateway.graphql(loginDocument, { input })).errors?.[0].extensions.code);
      }
      expect([names, codes]).toEqual([
        names,
        ["BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT", "TOO_MANY_REQUESTS"],
      ]);
    }
    await gateway.close();
  });

  it("tell nothing with REGISTRATION_PRIVACY, and make no second account", async () => {
    const gateway = await startGateway({ REGISTRATION_PRIVACY: "on" });
    for (const input of [
      { email: "a@münchen.de", username: "Νίκος" },
      { email: "A@xn--mnchen-3ya.de", username: "other" },
      { email: "b@example.com", username: "ΝΊΚΟΣ" },
    ])
      expect((await tryToRegister(gateway, input)).errors?.[0].extensions.code).toBe("SIGN_IN_REQUIRED");
    expect(await gateway.sql("select username from users")).toEqual([{ username: "Νίκος" }]);
    await gateway.close();
  });

  it("with a lone surrogate are a fault, and not the name with U+FFFD in its place", async () => {
    const gateway = await startGateway({ USERNAME_RULES: "as-recorded" });
    await register(gateway, { email: "r@example.com", username: "a\ufffd", password });
    const answer = await tryToRegister(gateway, { email: "s@example.com", username: "a\ud800" });
    expect(errorsOf(answer)).toEqual({ username: ["Surrogate characters are not allowed: U+D800."] });
    await gateway.close();
  });
});
