import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { errorsOf, register } from "../support/operations.ts";
import { sameOf, startWatchedGateway } from "../support/watched-gateway.ts";
import type { WatchedGateway } from "../support/watched-gateway.ts";

const password = "correct horse battery";
const ada = { email: "ada@example.com", username: "ada", password };
const bob = { email: "bob@example.com", username: "bob", password };
const registerDocument =
  "mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }";
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { email } } }";

let watched: WatchedGateway;
let open: Gateway;
beforeAll(async () => {
  watched = await startWatchedGateway();
  ({ open } = watched);
});
afterAll(() => watched.close());
beforeEach(() => open.sql("truncate users cascade"));

const countOf = async (table: string, condition = "true") =>
  (await open.sql<{ count: number }>(`select count(*)::int from ${table} where ${condition}`))[0]?.count;

const eventsOf = (username: string) =>
  open.sql(
    `select e.type, e.outcome, e.cause from auth_events e join users u on u.id = e.user_id
     where u.username = $1 order by e.id`,
    [username],
  );

const registering = (input: object) => () =>
  watched.seenOf(registerDocument, { input: { ...ada, ...input } });

describe("REGISTRATION_PRIVACY", () => {
  it("lets register answer the same, by the same statement, whether the names are free or taken", async () => {
    await register(open, bob);
    const seen = await sameOf(
      registering({}),
      registering({}),
      registering({ email: "new@example.com" }),
      registering({ username: "new" }),
      registering({ email: "BOB@example.com", username: "new" }),
      registering({ email: "new@example.com", username: "ＢＯＢ" }),
      registering({ email: bob.email }),
      registering({ email: "carol@example.com", username: "carol", bio: "I am new." }),
    );
    expect(seen.statements).toHaveLength(1);
    expect(seen.status).toBe(200);
    expect(JSON.parse(seen.text)).toEqual({
      data: null,
      errors: [
        {
          message: "If the email and the username were free, the account is made. Sign in to go on.",
          locations: [{ line: 1, column: 37 }],
          path: ["register"],
          extensions: { code: "SIGN_IN_REQUIRED" },
        },
      ],
    });
    expect(
      await open.sql("select username, bio, is_active, is_staff from users order by created_at"),
    ).toEqual([
      { username: "bob", bio: null, is_active: true, is_staff: false },
      { username: "ada", bio: null, is_active: true, is_staff: false },
      { username: "carol", bio: "I am new.", is_active: true, is_staff: false },
    ]);
  });

  it("makes an account that its maker signs in to, and leaves another's as it is", async () => {
    await register(open, bob);
    await registering({ fullName: "Ada Lovelace", birthDate: "1815-12-10" })();
    const signIn = async (input: object) => watched.secretive.graphql(loginDocument, { input });
    const { data } = await signIn({ email: ada.email, password });
    const me = await watched.secretive.graphql(
      "{ me { fullName birthDate } }",
      {},
      `Token ${data.login.token}`,
    );
    expect(me.data.me).toEqual({ fullName: "Ada Lovelace", birthDate: "1815-12-10" });

    await registering({ email: bob.email, username: "new", password: "another password" })();
    expect((await signIn({ email: bob.email, password })).errors).toBeUndefined();
    for (const name of [{ email: bob.email }, { username: "new" }])
      expect(errorsOf(await signIn({ ...name, password: "another password" }))).toHaveProperty("error");
  });

  it("puts on record what came of it, in one event, for the owner of the email that was wanted", async () => {
    await register(open, bob);
    const before = await countOf("auth_events");
    await registering({})();
    await registering({ email: bob.email })();
    await registering({ email: "new@example.com" })();
    expect(await countOf("auth_events")).toBe(Number(before) + 3);
    expect(await eventsOf("ada")).toEqual([{ type: "SIGNED_UP", outcome: "success", cause: null }]);
    const refused = { type: "SIGN_UP_FAILED", outcome: "failure", cause: "NAME_TAKEN" };
    expect((await eventsOf("bob")).slice(-1)).toEqual([refused]);
  });

  it("makes one account of many requests at once", async () => {
    const attempts = Array.from({ length: 10 }, () =>
      watched.secretive.graphql(registerDocument, { input: ada }),
    );
    for (const { errors } of await Promise.all(attempts))
      expect(errors?.[0].extensions).toEqual({ code: "SIGN_IN_REQUIRED" });
    expect(await countOf("users")).toBe(1);
  });

  it("lets register report the other faults, and those alone", async () => {
    await register(open, bob);
    const faulty = { password: "short", birthDate: "x" };
    const { text, statements } = await sameOf(
      registering({ ...faulty }),
      registering({ ...faulty, email: bob.email }),
      registering({ ...faulty, username: bob.username }),
    );
    expect(Object.keys(JSON.parse(text).errors[0].extensions.errors)).toEqual(["password", "birthDate"]);
    expect(statements).toEqual([]);
  });

  it("lets updateUser tell that an email is taken only for the current password, and to who would get it", async () => {
    await register(open, bob);
    const { token } = await register(open, ada);
    const updating = async (input: object) =>
      errorsOf(await watched.secretive.graphql(updateDocument, { input }, `Token ${token}`));
    const currentPassword = ["Enter your current password to change your email or password."];
    for (const email of [bob.email, "new@example.com"]) {
      expect(await updating({ email })).toEqual({ currentPassword });
      expect(await updating({ email, currentPassword: "wrong" })).toHaveProperty("currentPassword");
      expect(await updating({ email, currentPassword: password, fullName: "" })).toEqual({
        fullName: ["This field may not be blank."],
      });
    }
    expect(await updating({ email: bob.email, currentPassword: password })).toEqual({
      email: ["user with this email already exists."],
    });
    expect(await updating({ username: "BOB" })).toEqual({
      username: ["user with this username already exists."],
    });
    const input = { email: "new@example.com", currentPassword: password };
    const { data } = await watched.secretive.graphql(updateDocument, { input }, `Token ${token}`);
    expect(data.updateUser.user.email).toBe("new@example.com");
    const untouched = { input: { email: "new@EXAMPLE.com", bio: "I count." } };
    expect(
      (await watched.secretive.graphql(updateDocument, untouched, `Token ${token}`)).errors,
    ).toBeUndefined();
  });

  it("counts each question for an email as a registration", async () => {
    await register(open, bob);
    const { token } = await register(open, ada);
    const throttled = await startReplica(open, {
      REGISTRATION_PRIVACY: "on",
      RATE_LIMIT: "on",
      RATE_LIMIT_REGISTER: "2/1h",
    });
    try {
      const updating = async (email: string) => {
        const input = { email, currentPassword: password };
        const { errors } = await throttled.graphql(updateDocument, { input }, `Token ${token}`);
        return errors?.[0].extensions.code as string | undefined;
      };
      expect(await updating("new@example.com")).toBeUndefined();
      expect(await updating(bob.email)).toBe("BAD_USER_INPUT");
      for (const email of [bob.email, "newer@example.com"])
        expect(await updating(email)).toBe("TOO_MANY_REQUESTS");
      const answer = await throttled.graphql(registerDocument, { input: { ...ada, email: "c@example.com" } });
      expect(answer.errors?.[0].extensions.code).toBe("TOO_MANY_REQUESTS");
    } finally {
      await throttled.close();
    }
  });

  it("keeps nothing from the operator", async () => {
    await register(open, bob);
    const operator = { ip: null, userAgent: "root" };
    await expect(watched.secretive.app.accounts.createSuperuser(bob, operator)).rejects.toMatchObject({
      details: { errors: { email: expect.anything(), username: expect.anything() } },
    });
  });
});
