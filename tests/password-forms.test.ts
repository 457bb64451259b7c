import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { errorsOf, register } from "./support/operations.ts";

const composed = "schl\u00fcssel dr\u00e9i";
const decomposed = composed.normalize("NFD");
const fullWidth = "ｃｏｒｒｅｃｔ ｈｏｒｓｅ";

const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ REAUTHENTICATE_AFTER: "0s" });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate users cascade"));

const registerWith = (password: string) =>
  register(gateway, { email: "ada@example.com", username: "ada", password });
const signsIn = async (password: string) => {
  const input = { username: "ada", password };
  return (await gateway.graphql(loginDocument, { input })).errors === undefined;
};
const stored = async () => {
  const [row] = await gateway.sql<{ hash: string; form: string | null }>(
    "select password_hash as hash, password_form as form from users",
  );
  return row;
};
/** As the previous release does it: it hashes what was typed and knows no form. */
const storeAsTyped = async (password: string) =>
  gateway.sql("update users set password_hash = $1", [await gateway.app.hasher.hash(password)]);

describe("a password", () => {
  it.each([
    [composed, decomposed],
    [decomposed, composed],
    ["correct horse", fullWidth],
    [fullWidth, "correct horse"],
    ["\u212bngstr\u00f6m unit", "\u00c5ngstro\u0308m unit"],
  ])("registered as %j signs in as %j", async (first, second) => {
    await registerWith(first);
    expect([await signsIn(first), await signsIn(second), await signsIn(`${second}x`)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("is changed and confirmed in either form", async () => {
    const { token } = await registerWith(decomposed);
    const input = { currentPassword: composed, password: fullWidth };
    const answer = await gateway.graphql(updateDocument, { input }, `Token ${token}`);
    expect(answer.errors).toBeUndefined();
    expect([await signsIn("correct horse"), await signsIn(composed)]).toEqual([true, false]);
  });

  it("is too short when its normal form or its typed form is", async () => {
    for (const password of ["e\u0301".repeat(4), "\u3300\u3300"])
      expect(
        errorsOf(
          await gateway.graphql("mutation ($input: RegisterInput!) { register(input: $input) { token } }", {
            input: { email: "a@example.com", username: "a", password },
          }),
        ),
      ).toEqual({ password: ["Ensure this field has at least 8 characters."] });
  });
});

describe("a hash of the previous release", () => {
  it("goes on working as typed, and a sign-in makes no second hash", async () => {
    await registerWith(composed);
    await gateway.sql("update users set password_form = null");
    await storeAsTyped(decomposed);
    const before = await stored();
    expect([await signsIn(decomposed), await signsIn(composed)]).toEqual([true, false]);
    expect(await stored()).toEqual(before);
  });

  it("is marked as one of the normal form once it was typed so", async () => {
    await registerWith(composed);
    await gateway.sql("update users set password_form = null");
    await storeAsTyped(composed);
    const { hash } = (await stored()) ?? {};
    expect([await signsIn(decomposed), await signsIn(composed), await signsIn(decomposed)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(await stored()).toEqual({ hash, form: expect.stringMatching(/^NFKC /) });
  });

  it("in the place of a hash of the normal form works as typed", async () => {
    await registerWith(composed);
    expect(await signsIn(decomposed)).toBe(true);
    await storeAsTyped(decomposed);
    expect([await signsIn(composed), await signsIn(decomposed)]).toEqual([false, true]);
  });

  it("of Django is hashed anew in the normal form", async () => {
    await registerWith("correct horse battery");
    const { pbkdf2Sync } = await import("node:crypto");
    const key = pbkdf2Sync(decomposed, "saltsalt", 1000, 32, "sha256").toString("base64");
    await gateway.sql("update users set password_hash = $1", [`pbkdf2_sha256$1000$saltsalt$${key}`]);
    expect([await signsIn(composed), await signsIn(decomposed), await signsIn(composed)]).toEqual([
      false,
      true,
      true,
    ]);
  });
});
