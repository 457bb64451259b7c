import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { isInputObjectType } from "graphql";
import jwt from "jsonwebtoken";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { errorsOf, reasonOf, register } from "../support/operations.ts";

let gateway: Gateway;
let accountsAtTheStart: object[];
beforeAll(async () => {
  gateway = await startGateway();
  accountsAtTheStart = await gateway.sql("select id from users");
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate users cascade"));

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }";
const registerDocument = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
const login = (password: string) => gateway.graphql(loginDocument, { input: { username: "ada", password } });
const fieldsOf = (name: string) => {
  const type = gateway.app.schema.getType(name);
  return isInputObjectType(type) ? Object.keys(type.getFields()).toSorted() : [];
};
const me = (token: string) => gateway.graphql("{ me { username } }", {}, `Token ${token}`);

describe("a password", () => {
  it("has 8 characters at least, whatever they are (ASVS V6.2.1, V6.2.5)", async () => {
    const tooShort = ["qzvtwkx", "Qz7!tw-", "ÄÖÜäöüß", "🔐🔑🗝🚪🏰🌉🛡"];
    for (const password of tooShort)
      expect(errorsOf(await gateway.graphql(registerDocument, { input: { ...ada, password } }))).toEqual({
        password: ["Ensure this field has at least 8 characters."],
      });
    const good = ["qzvtwkxj", "QZVTWKXJ", "73918264", "-.-..-.!", "ключиотя", "🔐🔑🗝🚪🏰🌉🛡🧱"];
    for (const [index, password] of good.entries()) {
      const names = { email: `u${index}@example.com`, username: `u${index}` };
      await register(gateway, { ...names, password });
    }
  });

  it("may have 64 characters and more (ASVS V6.2.9)", async () => {
    const words = "a stone bridge over the river, a toll for each wheel and each foot; ";
    for (const length of [64, 65, 128]) {
      const password = words.repeat(2).slice(0, length - 1) + "!";
      await gateway.sql("truncate users cascade");
      await register(gateway, { ...ada, password });
      expect((await login(password)).errors).toBeUndefined();
    }
  });

  it("is taken to the letter, at the sign-up and at each sign-in (ASVS V6.2.8)", async () => {
    const password = ` Ｃorrect  Horse é ${"x".repeat(90)} Battery `;
    await register(gateway, { ...ada, password });
    expect((await login(password)).errors).toBeUndefined();
    const others = [
      password.trim(),
      password.trimStart(),
      password.trimEnd(),
      password.toLowerCase(),
      password.toUpperCase(),
      password.replaceAll("  ", " "),
      password.slice(0, 72),
      password.slice(0, -1),
      `${password} `,
    ];
    for (const other of others) {
      expect(other).not.toBe(password);
      expect(errorsOf(await login(other))).toHaveProperty("error");
    }
  });

  it("need not be changed after whatever time (ASVS V6.2.10)", async () => {
    await register(gateway, ada);
    await gateway.sql(
      "update users set created_at = now() - interval '20 years', updated_at = now() - interval '20 years', last_login_at = null",
    );
    const { data, errors } = await login(ada.password);
    expect(errors).toBeUndefined();
    expect((await me(data.login.token)).errors).toBeUndefined();
  });

  it("can be changed by its user (ASVS V6.2.2)", async () => {
    const { token } = await register(gateway, ada);
    const input = { password: "another horse battery", currentPassword: ada.password };
    expect((await gateway.graphql(updateDocument, { input }, `Token ${token}`)).errors).toBeUndefined();
    expect((await login("another horse battery")).errors).toBeUndefined();
    expect(errorsOf(await login(ada.password))).toHaveProperty("error");
  });
});

describe("an account", () => {
  it("is none that was there before somebody made it (ASVS V6.3.2)", () => {
    expect(accountsAtTheStart).toEqual([]);
  });

  it("has a password, and neither hints nor secret questions (ASVS V6.4.2)", async () => {
    const profile = ["bio", "birthDate", "email", "fullName", "password", "username"];
    expect(fieldsOf("RegisterInput")).toEqual(profile);
    expect(fieldsOf("UpdateUserInput")).toEqual([...profile, "currentPassword"].toSorted());
    expect(fieldsOf("LoginInput")).toEqual(["email", "password", "username"]);
  });

  it("gets nothing by a field that is no business of its user's (ASVS V15.3.3)", async () => {
    const { token } = await register(gateway, ada);
    const own =
      "select id, is_active, is_staff, is_superuser, password_hash, created_at, last_login_at from users";
    const before = await gateway.sql(own);
    const fields = [
      "isStaff",
      "isSuperuser",
      "isActive",
      "id",
      "passwordHash",
      "password_hash",
      "is_staff",
      "createdAt",
    ];
    for (const field of fields) {
      const extra = `${field}: ${field.startsWith("is") ? "true" : '"x"'}`;
      const update = `mutation { updateUser(input: { bio: "new", ${extra} }) { user { id } } }`;
      expect(errorsOf(await gateway.graphql(update, {}, `Token ${token}`))).toHaveProperty("error");
      const sent = JSON.parse(`{ "bio": "new", "${field}": true }`) as object;
      const answer = await gateway.graphql(updateDocument, { input: sent }, `Token ${token}`);
      expect(errorsOf(answer)).toHaveProperty("error");
      const other = { ...ada, email: "b@example.com", username: "b", ...sent };
      Object.defineProperty(other, field, { value: true, enumerable: true });
      expect(errorsOf(await gateway.graphql(registerDocument, { input: other }))).toHaveProperty("error");
    }
    expect(await gateway.sql(own)).toEqual(before);
    expect(await gateway.sql("select bio from users")).toEqual([{ bio: null }]);
  });
});

describe("a token", () => {
  it("is made for each sign-in, and for no other (ASVS V7.2.2)", async () => {
    await register(gateway, ada);
    const answers = await Promise.all(Array.from({ length: 5 }, () => login(ada.password)));
    const tokens = answers.flatMap(({ data }) => [data.login.token, data.login.refreshToken] as string[]);
    expect(new Set(tokens).size).toBe(10);
    expect(new Set(tokens.map((token) => (jwt.decode(token) as jwt.JwtPayload)["sid"])).size).toBe(5);
    for (const token of tokens) expect(jwt.decode(token)).toHaveProperty("exp");
  });

  it("is nothing that is stored: no id of a session opens anything (ASVS V7.2.3)", async () => {
    const { token } = await register(gateway, ada);
    const [session] = await gateway.sql<{ id: string; user_id: string }>("select id, user_id from sessions");
    const { id = "", user_id: userId = "" } = session ?? {};
    const { jti = "" } = jwt.decode(token) as jwt.JwtPayload;
    for (const reference of [
      id,
      userId,
      jti,
      id.replaceAll("-", ""),
      Buffer.from(id).toString("base64url"),
    ]) {
      expect(reasonOf(await me(reference))).toBe("TOKEN_INVALID");
      const refresh = "mutation ($token: JWT!) { refreshToken(refreshToken: $token) { token } }";
      expect(reasonOf(await gateway.graphql(refresh, { token: reference }))).toBe("TOKEN_INVALID");
    }
    const [stored] = await gateway.sql<{ rows: string }>(
      "select string_agg(s::text, '') as rows from sessions s",
    );
    for (const part of token.split(".")) expect(stored?.rows).not.toContain(part);
  });

  it("is asked for by every operation but those that give or end one (ASVS V8.2.1)", async () => {
    const { schema } = gateway.app;
    const open = ["_entities", "_service", "fieldErrorCodes", "login", "refreshToken", "register"];
    const rejected: string[] = [];
    for (const [keyword, type] of [
      ["query", schema.getQueryType()],
      ["mutation", schema.getMutationType()],
    ] as const)
      // Those of federation are hidden from whoever enumerates.
      for (const name of Object.getOwnPropertyNames(type?.getFields() ?? {})) {
        const field = type?.getFields()[name];
        if (!field) continue;
        const selection = `{ ${field.name}${field.args.some(({ type: of }) => String(of).endsWith("!")) ? argumentsOf(field.name) : ""} { __typename } }`;
        const { errors } = await gateway.graphql(`${keyword} ${selection}`);
        if (errors?.[0].extensions.reason === "TOKEN_MISSING") rejected.push(field.name);
        else expect(open).toContain(field.name);
      }
    expect(rejected.toSorted()).toEqual(["logout", "me", "revokeSession", "updateUser"]);
  });
});

/** Arguments that GraphQL lets through; what they say does not matter. */
function argumentsOf(operation: string): string {
  const given: Record<string, string> = {
    _entities: "(representations: [])",
    refreshToken: '(refreshToken: "x")',
    logout: "",
    revokeSession: '(id: "x")',
  };
  return given[operation] ?? "(input: {})";
}
