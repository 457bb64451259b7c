import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { errorsOf, reasonOf, register } from "../support/operations.ts";
import { startStatementRelay } from "../support/statement-relay.ts";
import type { StatementRelay } from "../support/statement-relay.ts";
import { encoded, takeApart, trueSigner } from "../support/token-forger.ts";

const password = "correct horse battery";
const ada = { email: "ada@example.com", username: "ada", password };
const bob = { email: "bob@example.com", username: "bob", password };
const registerDocument =
  "mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }";
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const updateDocument = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { email } } }";
const refreshDocument = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }";

let databaseUrl: string;
let relay: StatementRelay;
let open: Gateway;
let secretive: Gateway;
beforeAll(async () => {
  databaseUrl = await createDatabase();
  relay = await startStatementRelay(databaseUrl);
  open = await startGateway({ DATABASE_URL: databaseUrl, RATE_LIMIT: "off" });
  secretive = await startReplica(open, {
    DATABASE_URL: relay.url,
    REGISTRATION_PRIVACY: "on",
    RATE_LIMIT: "off",
  });
});
afterAll(async () => {
  await secretive.close();
  await open.close();
  await relay.close();
  await dropDatabase(databaseUrl);
});
beforeEach(() => open.sql("truncate users cascade"));

/** All that an answer consists of, but for what differs from each request to the next; and what was asked for it. */
const seenOf = async (query: string, variables: object) => {
  const before = relay.statements.length;
  const answer = await fetch(`${secretive.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const headers = Object.fromEntries(answer.headers);
  for (const name of ["date", "x-request-id"]) delete headers[name];
  const text = await answer.text();
  const statements = relay.statements
    .slice(before)
    .filter((statement) => /\busers\b|\bsessions\b|auth_events/.test(statement))
    // Only texts are parameters: what is null stands in the statement.
    .map((statement) => statement.replaceAll(/\$\d+|\bnull\b/g, "?"));
  return { status: answer.status, headers, text, statements };
};

/** Makes attempts one after the other, which must look the same. */
const sameOf = async (...attempts: (() => ReturnType<typeof seenOf>)[]) => {
  const seen = [];
  for (const attempt of attempts) seen.push(await attempt());
  for (const one of seen) expect(one).toEqual(seen[0]);
  return seen[0] as (typeof seen)[0];
};

const countOf = async (table: string, condition = "true") =>
  (await open.sql<{ count: number }>(`select count(*)::int from ${table} where ${condition}`))[0]?.count;

const eventsOf = (username: string) =>
  open.sql(
    `select e.type, e.outcome, e.cause from auth_events e join users u on u.id = e.user_id
     where u.username = $1 order by e.id`,
    [username],
  );

describe("REGISTRATION_PRIVACY", () => {
  const registering = (input: object) => () => seenOf(registerDocument, { input: { ...ada, ...input } });

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
    const signIn = async (input: object) => secretive.graphql(loginDocument, { input });
    const { data } = await signIn({ email: ada.email, password });
    const me = await secretive.graphql("{ me { fullName birthDate } }", {}, `Token ${data.login.token}`);
    expect(me.data.me).toEqual({ fullName: "Ada Lovelace", birthDate: "1815-12-10" });

    await registering({ email: bob.email, username: "new", password: "another password" })();
    expect((await signIn({ email: bob.email, password })).errors).toBeUndefined();
    for (const name of [{ email: bob.email }, { username: "new" }])
      expect(errorsOf(await signIn({ ...name, password: "another password" }))).toHaveProperty("error");
  });

  it("puts on record what came of it, for each whose name was wanted", async () => {
    await register(open, bob);
    await registering({})();
    await registering({ email: bob.email })();
    const refused = { type: "SIGN_UP_FAILED", outcome: "failure", cause: "NAME_TAKEN" };
    expect(await eventsOf("ada")).toEqual([{ type: "SIGNED_UP", outcome: "success", cause: null }, refused]);
    expect((await eventsOf("bob")).slice(-1)).toEqual([refused]);
  });

  it("makes one account of many requests at once", async () => {
    const attempts = Array.from({ length: 10 }, () => secretive.graphql(registerDocument, { input: ada }));
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
      errorsOf(await secretive.graphql(updateDocument, { input }, `Token ${token}`));
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
    const { data } = await secretive.graphql(updateDocument, { input }, `Token ${token}`);
    expect(data.updateUser.user.email).toBe("new@example.com");
    const untouched = { input: { email: "new@EXAMPLE.com", bio: "I count." } };
    expect((await secretive.graphql(updateDocument, untouched, `Token ${token}`)).errors).toBeUndefined();
  });

  it("keeps nothing from the operator", async () => {
    await register(open, bob);
    const operator = { ip: null, userAgent: "root" };
    await expect(secretive.app.accounts.createSuperuser(bob, operator)).rejects.toMatchObject({
      details: { errors: { email: expect.anything(), username: expect.anything() } },
    });
  });
});

describe("login", () => {
  it("looks the same for an unknown account, a wrong password and whatever hash an account has", async () => {
    await register(open, ada);
    const salted = "$16384$saltsaltsalt$8$1$";
    const hashes = {
      unusable: "!",
      pbkdf2: "pbkdf2_sha256$1000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=",
      bcrypt: "bcrypt$$2b$04$abcdefghijklmnopqrstuuK7Sjs7rFYArh/ytIZsOeM/z4RV2Fw2i",
      scrypt: `scrypt${salted}${"A".repeat(86)}==`,
      argon2:
        "argon2$argon2id$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$rKjr4CFm6Va2E5/MaMRDaulj4hNd9pfUCLdnxqjQ6DU",
    };
    for (const [username, hash] of Object.entries(hashes)) {
      await register(open, { email: `${username}@example.com`, username, password });
      await open.sql("update users set password_hash = $1 where username = $2", [hash, username]);
    }
    await register(open, bob);
    await open.sql("update users set is_active = false where username = 'bob'");
    const wrong = { password: "wrong password" };
    const names = [
      { username: "nobody" },
      { username: "ada" },
      { username: "ＡＤＡ" },
      { username: "bob" },
      ...Object.keys(hashes).map((username) => ({ username })),
    ];
    const { text, statements } = await sameOf(
      ...names.map((name) => () => seenOf(loginDocument, { input: { ...name, ...wrong } })),
    );
    expect(JSON.parse(text).errors[0].extensions.errors).toEqual({
      error: ["A user with this email and password was not found."],
    });
    expect(statements.length).toBeGreaterThan(0);
    await sameOf(
      ...["nobody@example.com", ada.email, "bcrypt@example.com"].map(
        (email) => () => seenOf(loginDocument, { input: { email, ...wrong } }),
      ),
    );
  });

  it("lets refusals take the time of every kind of hash that accounts have had since the start", async () => {
    const stored = ["pbkdf2_sha256$1000$saltsaltsalt$", "pbkdf2_sha256$2000$othersaltother$"].map(
      (start) => `${start}JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=`,
    );
    const bcrypt = "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuu/o2blacRvclFJ6RIap/a4MjhFQ4lIZC";
    for (const [index, hash] of [...stored, bcrypt, "!"].entries()) {
      await register(open, { email: `u${index}@example.com`, username: `u${index}`, password });
      await open.sql("update users set password_hash = $1 where username = $2", [hash, `u${index}`]);
    }
    const replica = await startReplica(open);
    const loud = replica.log.filter((line) => line.includes("password hashes"));
    const { kinds } = replica.app.hasher;
    await replica.close();
    expect(loud).toEqual([]);
    expect(kinds.toSorted()).toEqual([expect.stringMatching(/^argon2 /), "bcrypt 4", "pbkdf2_sha256"]);
  });
});

describe("refreshToken", () => {
  it("asks the same of the database for every token that it refuses", async () => {
    const sign = await trueSigner(open);
    const { refreshToken } = await register(open, ada);
    const { header, claims } = takeApart(refreshToken, sign);
    const withClaims = (change: object) => {
      const input = `${encoded(JSON.stringify(header))}.${encoded(JSON.stringify({ ...claims, ...change }))}`;
      return `${input}.${sign(input)}`;
    };
    const { refreshToken: ended } = await register(open, bob);
    await open.graphql("mutation ($t: JWT!) { logout(refreshToken: $t) { revokedSessions } }", { t: ended });
    const tokens = {
      "of an unknown user": withClaims({ sub: randomUUID() }),
      "of an unknown session": withClaims({ sid: randomUUID() }),
      "of an ended session": ended,
    };
    const statements: unknown[] = [];
    for (const [name, t] of Object.entries(tokens)) {
      const seen = await seenOf(refreshDocument, { t });
      const reason = reasonOf({ ...JSON.parse(seen.text), status: seen.status });
      expect(reason).toBe(name === "of an unknown user" ? "USER_NOT_FOUND" : "TOKEN_REVOKED");
      statements.push(seen.statements);
    }
    for (const asked of statements) expect(asked).toEqual(statements[0]);
    expect((await seenOf(refreshDocument, { t: `${refreshToken}x` })).statements).toEqual([]);
  });
});
