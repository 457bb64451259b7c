import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { loadConfig } from "../src/config/config.ts";
import { isCommonPassword } from "../src/security/common-passwords.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { errorsOf, register } from "./support/operations.ts";

const tooCommon = "This password is too common.";
const likeUsername = "The password is too similar to the username.";
const likeEmail = "The password is too similar to the email address.";

const likeFullName = "The password is too similar to the full name.";

const registerDocument = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
const ada = { email: "ada.lovelace@example.com", username: "countess", password: "correct horse battery" };

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate users cascade"));

const registering = async (input: object) =>
  errorsOf(await gateway.graphql(registerDocument, { input: { ...ada, ...input } }));

const updating = async (input: object, token: string) =>
  errorsOf(await gateway.graphql(updateDocument, { input }, `Token ${token}`));

describe("a new password", () => {
  it.each([
    ["the commonest", "password"],
    ["one in another case", "PassWord123"],
    ["one of digits", "12345678"],
    ["the last of the list", "dimazarya"],
    ["one character", "zzzzzzzz"],
    ["a few characters again and again", "123123123"],
    ["one in another Unicode form", "ｐａｓｓｗｏｒｄ"],
    ["one of the ten million that no pattern tells", "0987654321q"],
    ["one that Django refuses", "linkedin"],
    ["the last that Django refuses", "fallen_angel"],
    ["a word again and again", "sesamesesame"],
    ["a date, day first", "31121999"],
    ["a date, month first", "12311999"],
    ["a date, year first", "19991231"],
    ["a date with signs, day first", "31.12.1999"],
    ["a date with signs, year first", "1999-12-31"],
    ["a row of keys", "qwertzuiop"],
    ["a row of keys backwards", "0987654321"],
    ["a run", "abcdefghij"],
    ["a run backwards", "HGFEDCBA"],
    ["the name of the product", "Gatehouse"],
    ["the name of the product with a little more", "gatehouse2026!"],
  ])("is too common: %s (ASVS V6.2.4)", async (_what, password) => {
    expect(await registering({ password })).toEqual({ password: [tooCommon] });
    expect(await gateway.sql("select count(*)::int from users")).toEqual([{ count: 0 }]);
  });

  it.each([
    ["the username", "Countess", [likeUsername, tooCommon]],
    ["the username twice", "countessCOUNTESS!", [likeUsername]],
    ["the username in another Unicode form", "ｃｏｕｎｔｅｓｓ", [likeUsername, tooCommon]],
    ["the username with a year", "countess1815", [likeUsername]],
    ["the whole email", "Ada.Lovelace@Example.com", [likeEmail]],
    ["its local part", "ada.lovelace1", [likeEmail]],
    ["a part of it", "lovelace", [likeEmail, tooCommon]],
    ["a word of it with a year", "lovelace1815", [likeEmail]],
    ["the full name", "Augusta King-Noel", [likeFullName]],
    ["a word of the full name", "augusta1815", [likeFullName]],
    ["words of the full name in another order", "Noel, Augusta K", [likeFullName]],
  ])("must not be made of the user's names: %s (ASVS V6.2.11)", async (_what, password, messages) => {
    expect(await registering({ fullName: "Augusta King-Noel", password })).toEqual({ password: messages });
  });

  it.each([
    ["with spaces", "correct horse battery"],
    ["with a name in something longer", "countess of some far county"],
    ["of one kind of characters", "qzvtwkxj"],
    ["of other scripts", "пароль от сейфа"],
    ["of digits that are no date", "40131999"],
    ["with the domain of the email", "example of one kind"],
    ["with names in something longer", "ada and her countess far away"],
    ["with the product's name in something longer", "meet me at the gatehouse"],
    ["of 128 characters", "correct horse 17".repeat(8)],
  ])("is good: %s", async (_what, password) => {
    await register(gateway, { ...ada, password });
    const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
    const input = { username: ada.username, password };
    expect((await gateway.graphql(login, { input })).errors).toBeUndefined();
  });

  it("is judged beside the other fields, in their order", async () => {
    await register(gateway, ada);
    const errors = await registering({ username: "password", password: "password", bio: "\0" });
    expect(JSON.stringify(errors)).toBe(
      JSON.stringify({
        email: ["user with this email already exists."],
        password: [likeUsername, tooCommon],
        bio: ["Null characters are not allowed."],
      }),
    );
    expect(await registering({ email: "b@example.com", username: "b", password: "1234567" })).toEqual({
      password: ["Ensure this field has at least 8 characters."],
    });
  });
});

it("none of the 3,000 commonest that are long enough is taken, unless that is turned off (ASVS V6.2.4)", async () => {
  const file = createRequire(import.meta.url).resolve("@zxcvbn-ts/language-common/src/passwords.json");
  const ranking = JSON.parse(await readFile(file, "utf8")) as string[];
  const fitting = ranking.filter((password) => password.length >= 8).slice(0, 3000);
  expect(fitting.slice(0, 3)).toEqual(["password", "12345678", "123456789"]);
  const taken: string[] = [];
  for (const password of fitting) if (!(await isCommonPassword(password))) taken.push(password);
  expect([fitting.length, taken]).toEqual([3000, []]);
  expect(loadConfig({}).passwordChecks).toBe(true);
});

describe("updateUser", () => {
  it("judges a new password by the names that the account has or gets", async () => {
    const { token } = await register(gateway, ada);
    expect(await updating({ password: "football" }, token)).toEqual({ password: [tooCommon] });
    expect(await updating({ password: "countess1815" }, token)).toEqual({ password: [likeUsername] });
    expect(await updating({ password: "ada.lovelace!" }, token)).toEqual({ password: [likeEmail] });
    expect(await updating({ password: "byron1815", fullName: "Ada Byron" }, token)).toEqual({
      password: [likeFullName],
    });
    const renamed = { username: "enchantress", email: "enchantress@example.com" };
    expect(await updating({ ...renamed, password: "Enchantress1" }, token)).toEqual({
      password: [likeUsername, likeEmail],
    });
    const input = { ...renamed, password: "countess1815" };
    expect((await gateway.graphql(updateDocument, { input }, `Token ${token}`)).errors).toBeUndefined();
  });

  it("lets in and leaves alone who has a common password already", async () => {
    await register(gateway, ada);
    const password123 = "pbkdf2_sha256$1000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=";
    await gateway.sql("update users set password_hash = $1", [password123]);
    const login = `mutation { login(input: { username: "${ada.username}", password: "password123" }) { token } }`;
    const { data } = await gateway.graphql(login);
    const input = { bio: "I count." };
    const answer = await gateway.graphql(updateDocument, { input }, `Token ${data.login.token}`);
    expect(answer.errors).toBeUndefined();
  });
});

describe("PASSWORD_CHECKS=off", () => {
  it("leaves the length as the only rule", async () => {
    const lenient = await startGateway({ PASSWORD_CHECKS: "off" });
    try {
      await register(lenient, { ...ada, password: "password" });
      await register(lenient, { email: "b@example.com", username: "gatehouse", password: "gatehouse" });
      const input = { email: "c@example.com", username: "c", password: "1234567" };
      expect(errorsOf(await lenient.graphql(registerDocument, { input }))).toEqual({
        password: ["Ensure this field has at least 8 characters."],
      });
    } finally {
      await lenient.close();
    }
  });
});
