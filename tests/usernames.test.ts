import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { gatehouse, killAll } from "./support/gateway-process.ts";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { errorsOf, register } from "./support/operations.ts";

const password = "correct horse battery";
const registerDocument =
  "mutation ($input: RegisterInput!) { register(input: $input) { user { username } } }";
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token user { username } } }";
const updateDocument =
  "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { username } } }";

const at = "Enter a valid username. This value may not contain @.";
const invisible =
  "Enter a valid username. This value may not contain line breaks, control characters or invisible characters.";
const combiningMark = "Enter a valid username. This value may not begin with a combining mark.";

const refused: [what: string, username: string, message: string][] = [
  ["an email address", "bob@example.com", at],
  ["an @", "a@", at],
  ["a full-width @", "bob＠example.com", at],
  ["a small @", "bob﹫example.com", at],
  ["a line feed", "a\nb", invisible],
  ["a carriage return", "a\rb", invisible],
  ["a next line", "a\u0085b", invisible],
  ["a line separator", "a\u2028b", invisible],
  ["a paragraph separator", "a\u2029b", invisible],
  ["a tab", "a\tb", invisible],
  ["an escape sequence", "a\u001b[31mb", invisible],
  ["a DEL", "a\u007fb", invisible],
  ["an object replacement character", "a\ufffcb", invisible],
  ["an Egyptian blank", "a\u{13441}b", invisible],
  ["a Khitan filler", "a\u{16fe4}b", invisible],
  ["a null note head", "a\u{1d159}b", invisible],
  ["a C1 control", "a\u009bb", invisible],
  ["a right-to-left override", "a\u202eb", invisible],
  ["an isolate", "a\u2066b", invisible],
  ["an Arabic letter mark", "a\u061cb", invisible],
  ["a zero width space", "a\u200bb", invisible],
  ["a joiner", "a\u200db", invisible],
  ["a word joiner", "a\u2060b", invisible],
  ["a byte order mark at its end", "a\ufeff", invisible],
  ["a soft hyphen", "a\u00adb", invisible],
  ["a grapheme joiner", "a\u034fb", invisible],
  ["a variation selector", "a\ufe0f", invisible],
  ["a supplementary variation selector", "a\u{e0100}", invisible],
  ["a tag", "a\u{e0061}", invisible],
  ["a Hangul filler", "\u3164", invisible],
  ["a half-width Hangul filler", "a\uffa0b", invisible],
  ["a Khmer inherent vowel", "a\u17b4b", invisible],
  ["a musical format character", "a\u{1d173}b", invisible],
  ["a Braille blank", "\u2800", invisible],
  ["a no-break space", "a\u00a0b", invisible],
  ["an em space", "a\u2003b", invisible],
  ["an ideographic space", "a\u3000b", invisible],
  ["a private-use character", "a\ue000", invisible],
  ["an unassigned character", "a\u0378", invisible],
  ["a noncharacter", "a\uffff", invisible],
  ["a replacement character", "bj\ufffdrn", invisible],
  ["a combining mark at its beginning", "\u0301a", combiningMark],
];

let gateway: Gateway;
let tokenOfEve: string;
beforeAll(async () => {
  // The tests give their names up, and take them again for other accounts.
  gateway = await startGateway({ NAME_REUSE_AFTER: "0s" });
  ({ token: tokenOfEve } = await register(gateway, { email: "eve@example.com", username: "eve", password }));
});
afterAll(async () => {
  await gateway.close();
  await killAll();
});

const tryToRegister = (to: Gateway, username: string) =>
  to.graphql(registerDocument, { input: { email: "new@example.com", username, password } });
const update = (username: string, token: string) => {
  const input = { username, currentPassword: password };
  return gateway.graphql(updateDocument, { input }, `Token ${token}`);
};

describe("a new username", () => {
  it.each(refused)("may not contain %s", async (_what, username, message) => {
    expect(errorsOf(await tryToRegister(gateway, username))).toEqual({ username: [message] });
    expect(errorsOf(await update(username, tokenOfEve))).toEqual({ username: [message] });
  });

  it.each([
    "Ada Lovelace",
    "o'brien",
    "ada.l+x-y_z",
    "Ἀχιλλεύς",
    "नमस्ते",
    "שלום",
    "محمد",
    "山田",
    "🦊",
    "👍🏽",
    "Zoe\u0308",
  ])("may be %j", async (username) => {
    expect((await update(username, tokenOfEve)).data.updateUser.user).toEqual({ username });
  });

  it("gets its format fault after the others", async () => {
    await register(gateway, { email: "x@example.com", username: "x", password });
    await gateway.sql("update users set username = 'x@y' where username = 'x'");
    expect(errorsOf(await tryToRegister(gateway, "X@y"))).toEqual({
      username: ["user with this username already exists.", at],
    });
    const long = `\0${"@".repeat(256)}`;
    expect(errorsOf(await tryToRegister(gateway, long))).toEqual({
      username: [
        "Ensure this field has no more than 255 characters.",
        "Null characters are not allowed.",
        at,
      ],
    });
  });

  it("follows the rules in createsuperuser", async () => {
    const made = await gatehouse(["createsuperuser", "--email", "r@example.com", "--username", "r@x"], {
      DATABASE_URL: gateway.databaseUrl,
      ENCRYPTION_KEY: gateway.jwtSecret,
      GATEHOUSE_SUPERUSER_PASSWORD: "long enough",
    }).exit;
    expect(made).toMatchObject({ code: 1, stderr: `gatehouse: username: ${at}\n` });
  });

  it("may be anything with USERNAME_RULES=as-recorded", async () => {
    const lenient = await startReplica(gateway, { USERNAME_RULES: "as-recorded", NAME_REUSE_AFTER: "0s" });
    for (const [, username] of refused) {
      expect((await tryToRegister(lenient, username)).data.register.user).toEqual({ username });
      await gateway.sql("delete from users where email = 'new@example.com'");
    }
    await lenient.close();
  });
});

describe("a username from before the rules", () => {
  it.each(["legacy@example.com", "two\nlines", "zero\u200bwidth"])(
    "signs in and stays: %j",
    async (username) => {
      await register(gateway, { email: "legacy@example.org", username: "legacy", password });
      await gateway.sql("update users set username = $1 where username = 'legacy'", [username]);
      const { data } = await gateway.graphql(loginDocument, { input: { username, password } });
      expect(data.login.user).toEqual({ username });
      const { token } = data.login;
      expect((await update(username, token)).data.updateUser.user).toEqual({ username });
      expect(errorsOf(await update(username.toUpperCase(), token))).toHaveProperty("username");
      expect((await update("modern", token)).data.updateUser.user).toEqual({ username: "modern" });
      await gateway.sql("delete from users where username = 'modern'");
    },
  );
});
