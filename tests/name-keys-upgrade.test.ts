import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { migrateDown, migrateUp, migratorOf, schemaDifference } from "../src/persistence/migrations.ts";
import { createOrm } from "../src/persistence/orm.ts";
import { usernameKey } from "../src/text/username-key.ts";
import { createDatabase, dropDatabase, query } from "./support/database.ts";
import { gatehouse, killAll } from "./support/gateway-process.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { errorsOf } from "./support/operations.ts";

const password = "correct horse battery";
const lastOfPreviousRelease = "20261123110000_open_session";
const nameKeys = "20261130110000_name_keys";

/** Accounts of the previous release, oldest first; each pair is one name by now. */
const accounts = [
  ["nikos@example.com", "Νίκος"],
  ["nikos2@example.com", "ΝΊΚΟΣ"],
  ["b@münchen.de", "b1"],
  ["b@xn--mnchen-3ya.de", "b2"],
  ["c@exam\u00adple.com", "c1"],
  ["C@example.com", "c2"],
  ["plain@example.com", "Plain"],
  ["quoted@[::1]", "mail@example.com"],
] as const;

const loginDocument = "mutation ($input: LoginInput!) { login(input: $input) { user { username } } }";

let url: string;
let gateway: Gateway;
let report: { code: number | null; stdout: string };
let passwordHash: string;

const sql = (text: string, values: unknown[] = []) => query<Record<string, unknown>>(url, text, values);
const insert = async (email: string, username: string) => {
  const id = randomUUID();
  const columns = "insert into users (id, email, username, password_hash, created_at)";
  await sql(`${columns} values ($1, $2, $3, $4, clock_timestamp())`, [id, email, username, passwordHash]);
  return id;
};
const signIn = async (names: object) =>
  (await gateway.graphql(loginDocument, { input: { password, ...names } })).data?.login.user.username;
/** As `gatehouse events` finds it. */
const idOf = async (name: string) => {
  const listing = await gatehouse(["events", "--user", name, "--limit", "1"], environment()).exit;
  return /user=(\S+)/.exec(listing.stdout)?.[1];
};
const environment = () => ({ DATABASE_URL: url, ENCRYPTION_KEY: "a secret of thirty-two bytes or more" });

beforeAll(async () => {
  const other = await startGateway();
  passwordHash = await other.app.hasher.hash(password);
  await other.close();
  url = await createDatabase("template0");
  const orm = createOrm(url, { info: () => {} });
  await (await migratorOf(orm)).up({ to: lastOfPreviousRelease });
  await orm.close();
  for (const [email, username] of accounts) await insert(email, username);
  report = await gatehouse(["migrate", "up"], environment()).exit;
  gateway = await startGateway({ DATABASE_URL: url });
});
afterAll(async () => {
  await gateway.close();
  await killAll();
  await dropDatabase(url);
});

describe("accounts of the previous release whose names are one by now", () => {
  it("are reported, and keep what was typed", async () => {
    expect(report.code).toBe(0);
    const lines = report.stdout.split("\n").filter((line) => /^(?:email|username) /.test(line));
    expect(report.stdout).toMatch(
      /email "b@xn--mnchen-3ya.de" of account \S+ is that of account \S+, "b@münchen.de": only its exact spelling signs in/,
    );
    expect(report.stdout).toMatch(/email "c@exam\\u00adple.com" of account .* "C@example.com"/);
    expect(report.stdout).toMatch(/username "ΝΊΚΟΣ" of account .* "Νίκος"/);
    expect(lines).toHaveLength(3);
    expect((await sql("select email, username from users order by created_at")).map(Object.values)).toEqual(
      accounts,
    );
  });

  it("all sign in with their own spelling, and the first with any other", async () => {
    for (const [email, username] of accounts) {
      expect([email, await signIn({ email })]).toEqual([email, username]);
      expect([username, await signIn({ username })]).toEqual([username, username]);
    }
    expect(await signIn({ username: "νίκοσ" })).toBe("Νίκος");
    expect(await signIn({ username: "PLAIN" })).toBe("Plain");
    expect(await signIn({ email: "quoted@[0::1]" })).toBe("mail@example.com");
  });

  it("are found by the operator in the same way", async () => {
    const ids = await sql("select id from users where username = any($1) order by created_at", [
      ["Νίκος", "ΝΊΚΟΣ"],
    ]);
    expect([await idOf("νίκοσ"), await idOf("ΝΊΚΟΣ")]).toEqual(ids.map(({ id }) => id));
  });

  it("leave nobody their name, and get the key of a name that is free", async () => {
    const register = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    const input = { email: "B@MÜNCHEN.de", username: "νίκος", password };
    expect(Object.keys(errorsOf(await gateway.graphql(register, { input })))).toEqual(["email", "username"]);
    await sql("delete from users where username = 'Νίκος'");
    const again = await gatehouse(["migrate", "up"], environment()).exit;
    expect(again.stdout).toContain("nothing to apply\n");
    expect(again.stdout).not.toContain("username");
    expect(await signIn({ username: "νίκοσ" })).toBe("ΝΊΚΟΣ");
  });

  it("are in the log as the gateway starts, by their ids", () => {
    const warnings = gateway.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);
    expect(warnings.map(({ msg }) => String(msg)).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "two accounts have one email in two spellings",
      "two accounts have one email in two spellings",
      "two accounts have one username in two spellings",
    ]);
    expect(JSON.stringify(warnings)).not.toContain("example.com");
  });
});

describe("names that the previous release writes while both run", () => {
  it("are found in every spelling that SQL can fold, and in their own", async () => {
    const id = await insert("New@example.com", "Ἀχιλλεύς");
    expect(await signIn({ username: "ἈΧΙΛΛΕΎΣ" })).toBe("Ἀχιλλεύς");
    expect(await signIn({ email: "NEW@EXAMPLE.com" })).toBe("Ἀχιλλεύς");
    await sql("update users set username = $2, email = $3 where id = $1", [id, "STRASSE", "new@münchen.de"]);
    expect(await signIn({ username: "straße" })).toBe("STRASSE");
    expect(await signIn({ email: "new@MÜNCHEN.de" })).toBe("STRASSE");
    await gatehouse(["migrate", "up"], environment()).exit;
    expect(await signIn({ email: "new@xn--mnchen-3ya.de" })).toBe("STRASSE");
  });

  it("cannot be another account's in any case", async () => {
    await insert("taken@example.com", "Größe");
    await expect(insert("other@example.com", "GRÖSSE")).rejects.toThrow("users_username_key_unique");
    await expect(insert("TAKEN@example.com", "other")).rejects.toThrow("users_email_key_unique");
  });
});

it("the key that the migration computes is ours", async () => {
  const characters = Array.from({ length: 0x30_000 }, (_, point) => String.fromCodePoint(point));
  const changing = characters.filter((character) => usernameKey(character) !== character);
  const sentences = [
    "ΝΊΚΟΣ Ὀδυσσεύς",
    "STRAẞE ﬃ",
    "ᾼ\u0345\u0301",
    "İI\u0307ıI",
    "A\u030a\u212b가각",
    "a'b\\c$$d?",
  ];
  const rows = await sql(
    `select name, gatehouse_username_key(name) as key from unnest($1::text[]) name where unicode_assigned(name)`,
    [[...changing, ...sentences]],
  );
  expect(rows.length).toBeGreaterThan(5_000);
  expect(rows.filter(({ name, key }) => key !== usernameKey(String(name)))).toEqual([]);
});

it("the way back and forth keeps every account", async () => {
  const before = await sql("select id, email, username, password_hash from users order by id");
  const orm = createOrm(url, { info: () => {} });
  while (!(await migrateDown(orm)).includes(nameKeys));
  expect(await sql("select id, email, username, password_hash from users order by id")).toEqual(before);
  await migrateUp(orm);
  expect(await schemaDifference(orm)).toBe("");
  expect(await sql("select id, email, username, password_hash from users order by id")).toEqual(before);
  await orm.close();
});
