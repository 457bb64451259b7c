import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { reasonOf, register } from "../support/operations.ts";
import { encoded, takeApart, trueSigner } from "../support/token-forger.ts";
import { sameOf, startWatchedGateway } from "../support/watched-gateway.ts";
import type { WatchedGateway } from "../support/watched-gateway.ts";

const password = "correct horse battery";
const ada = { email: "ada@example.com", username: "ada", password };
const bob = { email: "bob@example.com", username: "bob", password };
const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
const refreshDocument = "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }";

let watched: WatchedGateway;
let open: Gateway;
beforeAll(async () => {
  watched = await startWatchedGateway();
  ({ open } = watched);
});
afterAll(() => watched.close());
beforeEach(() => open.sql("truncate users cascade"));

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
      ...names.map((name) => () => watched.seenOf(loginDocument, { input: { ...name, ...wrong } })),
    );
    expect(JSON.parse(text).errors[0].extensions.errors).toEqual({
      error: ["A user with this email and password was not found."],
    });
    expect(statements.length).toBeGreaterThan(0);
    await sameOf(
      ...["nobody@example.com", ada.email, "bcrypt@example.com"].map(
        (email) => () => watched.seenOf(loginDocument, { input: { email, ...wrong } }),
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
      const seen = await watched.seenOf(refreshDocument, { t });
      const reason = reasonOf({ ...JSON.parse(seen.text), status: seen.status });
      expect(reason).toBe(name === "of an unknown user" ? "USER_NOT_FOUND" : "TOKEN_REVOKED");
      statements.push(seen.statements);
    }
    for (const asked of statements) expect(asked).toEqual(statements[0]);
    expect((await watched.seenOf(refreshDocument, { t: `${refreshToken}x` })).statements).toEqual([]);
  });
});
