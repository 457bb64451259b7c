import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { assertObjectType, buildSchema, getNamedType, graphql, isLeafType } from "graphql";
import { hidePrivateUserFields } from "../../src/accounts/user-visibility.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { account, entities, reference } from "./references.ts";
import type { Account } from "./references.ts";

let gateway: Gateway;
let ada: Account;
let bob: Account;
/** Every field of User but the two that everybody may read, as it is selected. */
let privateFields: [name: string, selection: string][];

beforeAll(async () => {
  gateway = await startGateway();
  ada = await account(gateway, "ada");
  bob = await account(gateway, "bob");
  await gateway.sql("update users set bio = 'a secret of Bob', birth_date = '1815-12-10' where id = $1", [
    bob.id,
  ]);
  privateFields = Object.values(assertObjectType(gateway.app.schema.getType("User")).getFields())
    .filter(({ name }) => name !== "id" && name !== "username")
    .map(({ name, type }) => [name, isLeafType(getNamedType(type)) ? name : `${name} { __typename }`]);
});
afterAll(() => gateway.close());

const message = "Only the user can read this field: ask for id and username.";
const forbidden = (...path: (string | number)[]) => ({
  message,
  path,
  locations: expect.anything(),
  extensions: { code: "FORBIDDEN" },
});

/** Nothing of Bob but what everybody may see. */
function expectNothingOfBob(answer: unknown): void {
  const text = JSON.stringify(answer);
  for (const secret of [bob.email, "a secret of Bob", "1815-12-10", '"fullName":"bob"', '"isActive":'])
    expect(text).not.toContain(secret);
}

describe("of another user", () => {
  it("only id and username can be read, whoever asks (ASVS V8.2.2, V8.2.3)", async () => {
    const sessionEnded = await account(gateway, "signed-out");
    await gateway.graphql("mutation { logout { revokedSessions } }", {}, `Token ${sessionEnded.token}`);
    const deactivated = await account(gateway, "deactivated");
    await gateway.sql("update users set is_active = false where id = $1", [deactivated.id]);
    const staff = await account(gateway, "staff");
    await gateway.sql("update users set is_staff = true, is_superuser = true where id = $1", [staff.id]);

    for (const authorization of [
      undefined,
      "Bearer nonsense",
      ...[ada, sessionEnded, deactivated, staff].map(({ token }) => `Bearer ${token}`),
    ])
      for (const [name, selection] of privateFields) {
        const answer = await entities(
          gateway,
          [reference(bob.id)],
          `{ ... on User { ${selection} } }`,
          authorization,
        );
        expect(answer.errors).toEqual([forbidden("_entities", 0, name)]);
        expectNothingOfBob(answer);
      }
  });

  it("covers every field that the API has (ASVS V8.2.3)", () => {
    expect(privateFields.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        "email",
        "bio",
        "fullName",
        "birthDate",
        "isActive",
        "isStaff",
        "createdAt",
        "updatedAt",
      ]),
    );
  });

  it.each([
    ["{ ... on User { username harmless: bio } }", ["harmless"]],
    ["{ ... on User { id: fullName username } }", ["id"]],
    ["{ ... on User { id username: bio } }", ["username"]],
    ["{ ... on User { ... on User { ... { birthDate } } } }", ["birthDate"]],
    ["{ ... on User @include(if: true) { bio @skip(if: false) } }", ["bio"]],
    ["{ ... on User { a: bio b: bio fullName } }", ["a", "b", "fullName"]],
    ["{ ...Outer }} fragment Outer on _Entity { ...Inner } fragment Inner on User { bio ", ["bio"]],
  ])("%s shows no more", async (selection, paths) => {
    const answer = await entities(gateway, [reference(bob.id)], selection, `Bearer ${ada.token}`);
    expect(answer.errors).toEqual(paths.map((path) => forbidden("_entities", 0, path)));
    expectNothingOfBob(answer);
  });

  it("what a reference brings along is not believed", async () => {
    const forged = {
      ...reference(bob.id),
      email: "forged@example.com",
      bio: "forged",
      own: true,
      "Symbol(own)": true,
    };
    const answer = await entities(
      gateway,
      [forged],
      "{ ... on User { bio username } }",
      `Bearer ${ada.token}`,
    );
    expect(answer.data._entities).toEqual([{ bio: null, username: "bob" }]);
    expect(answer.errors).toEqual([forbidden("_entities", 0, "bio")]);
  });

  it("a deactivated one has a name still, for what they once wrote", async () => {
    const gone = await account(gateway, "gone");
    await gateway.sql("update users set is_active = false where id = $1", [gone.id]);
    const { data } = await entities(gateway, [reference(gone.id)]);
    expect(data._entities).toEqual([{ __typename: "User", id: gone.id, username: "gone" }]);
  });
});

describe("oneself", () => {
  it("can be read as a whole, in any place of a list and beside others", async () => {
    const asked = [bob.id, ada.id, bob.id, ada.id.toUpperCase()].map(reference);
    const answer = await entities(
      gateway,
      asked,
      "{ ... on User { username email } }",
      `Bearer ${ada.token}`,
    );
    const whole = { username: "ada", email: ada.email };
    expect(answer.data._entities).toEqual([null, whole, null, whole]);
    expect(answer.errors).toEqual([0, 2].map((index) => forbidden("_entities", index, "email")));
    expectNothingOfBob(answer);
  });

  it("can be read as a whole beside a list of others, under any name", async () => {
    const { data, errors } = await gateway.graphql(
      `query ($mine: [_Any!]!, $theirs: [_Any!]!) {
        me { email }
        mine: _entities(representations: $mine) { ... on User { email } }
        theirs: _entities(representations: $theirs) { ... on User { bio } }
      }`,
      { mine: [reference(ada.id)], theirs: [reference(bob.id)] },
      `Token ${ada.token}`,
    );
    expect(data).toEqual({
      me: { email: ada.email },
      mine: [{ email: ada.email }],
      theirs: [{ bio: null }],
    });
    expect(errors).toEqual([forbidden("theirs", 0, "bio")]);
  });

  it("cannot, without a usable token", async () => {
    const carol = await account(gateway, "carol");
    const ask = () =>
      entities(
        gateway,
        [reference(carol.id)],
        "{ ... on User { username fullName } }",
        `Bearer ${carol.token}`,
      );
    expect((await ask()).data._entities).toEqual([{ username: "carol", fullName: "carol" }]);
    await gateway.sql("update users set is_active = false where id = $1", [carol.id]);
    const answer = await ask();
    expect(answer.data._entities).toEqual([{ username: "carol", fullName: null }]);
    expect(answer.errors).toEqual([forbidden("_entities", 0, "fullName")]);
  });

  it("is whole wherever the API hands one out", async () => {
    const all = `{ id username ${privateFields.map(([, selection]) => selection).join(" ")} }`;
    const credentials = '{ username: "dora", password: "correct horse" }';
    const input = '{ username: "dora", email: "dora@example.com", password: "correct horse" }';
    const { data } = await gateway.graphql(
      `mutation { register(input: ${input}) { token refreshToken user ${all} } }`,
    );
    const token = `Token ${data.register.token}`;
    const answers = await Promise.all([
      gateway.graphql(`{ me ${all} }`, {}, token),
      gateway.graphql(`mutation { login(input: ${credentials}) { user ${all} } }`),
      gateway.graphql(`mutation { updateUser(input: { bio: "x" }) { user ${all} } }`, {}, token),
      gateway.graphql(
        `mutation ($token: JWT!) { refreshToken(refreshToken: $token) { user ${all} } }`,
        { token: data.register.refreshToken },
        token,
      ),
    ]);
    expect(data.register.user.email).toBe("dora@example.com");
    for (const { data: shown, errors } of answers) {
      expect(errors).toBeUndefined();
      expect(JSON.stringify(shown)).toContain("dora@example.com");
    }
  });
});

it("a field of User that is added one day is private", async () => {
  const schema = buildSchema(
    "type Query { user: User } type User { id: ID, username: String, addedLater: String }",
  );
  hidePrivateUserFields(schema);
  const rootValue = { user: { id: "1", username: "bob", addedLater: () => "secret" } };
  const result = await graphql({ schema, rootValue, source: "{ user { id username addedLater } }" });
  expect(result.data).toEqual({ user: { id: "1", username: "bob", addedLater: null } });
  expect(result.errors?.map((error) => error.message)).toEqual([message]);
});
