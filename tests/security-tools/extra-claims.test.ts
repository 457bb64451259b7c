import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readExtraClaims } from "../../src/security/claims-file.ts";
import { parseClaimMapping } from "../../src/security/extra-claims.ts";

const ada = {
  id: "01a2043d-c95a-75d7-8000-000000000000",
  email: "ada@example.com",
  username: "ada",
  birthDate: "1815-12-10",
  isStaff: true,
  isActive: true,
  createdAt: new Date("2026-11-22T17:26:28.000Z"),
};
const parse = (mapping: unknown, namespace?: string) => parseClaimMapping(JSON.stringify(mapping), namespace);
/** An object with a key `then`, which lint takes for half a promise when it stands in code. */
const choice = (members: string): unknown => JSON.parse(`{${members}}`);
const faultOf = (text: string, namespace?: string): string => {
  try {
    parseClaimMapping(text, namespace);
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
};
const forms =
  'takes a text, a number, true, false, a list of texts, {"field": …} or {"when": …, "then": …, "else": …}';
const fields = '"field" takes id, email, username, birthDate, isStaff, isActive, createdAt';

describe("a mapping of claims", () => {
  it("takes every field that is named, constants, and one of two constants", () => {
    const claims = parse({
      id: { field: "id" },
      email: { field: "email" },
      name: { field: "username" },
      born: { field: "birthDate" },
      staff: { field: "isStaff" },
      usable: { field: "isActive" },
      since: { field: "createdAt" },
      role: choice('"when": "isStaff", "then": "staff", "else": "user"'),
      roles: choice('"when": "isStaff", "then": ["user", "staff"], "else": ["user"]'),
      tenant: "acme",
      level: 3,
      beta: false,
      plans: [],
    });
    const expected = {
      id: ada.id,
      email: "ada@example.com",
      name: "ada",
      born: "1815-12-10",
      staff: true,
      usable: true,
      since: "2026-11-22T17:26:28.000Z",
      role: "staff",
      roles: ["user", "staff"],
      tenant: "acme",
      level: 3,
      beta: false,
      plans: [],
    };
    expect(claims.inToken(ada)).toEqual(expected);
    const { born: _born, ...others } = expected;
    const user = { ...ada, isStaff: false, birthDate: null };
    expect(claims.of(user)).toEqual({ ...others, staff: false, role: "user", roles: ["user"] });
  });

  it("puts all of them under the namespace", () => {
    const claims = parse({ sub: { field: "username" } }, "https://hasura.io/jwt/claims");
    expect(claims.inToken(ada)).toEqual({ "https://hasura.io/jwt/claims": { sub: "ada" } });
    expect(claims.of(ada)).toEqual({ sub: "ada" });
  });

  it("says what is wrong", () => {
    const faults: [unknown, string][] = [
      [{ a: { field: "nickname" } }, `claim "a": the field "nickname" is unknown; ${fields}`],
      [{ a: { field: "passwordHash" } }, `claim "a": the field "passwordHash" is secret; ${fields}`],
      [{ a: { field: "password_hash" } }, `claim "a": the field "password_hash" is secret; ${fields}`],
      [{ a: { field: "isSuperuser" } }, `claim "a": the field "isSuperuser" is secret; ${fields}`],
      [{ a: { field: "bio" } }, `claim "a": the field "bio" is too long for a token; ${fields}`],
      [{ a: { field: "fullName" } }, `claim "a": the field "fullName" is too long for a token; ${fields}`],
      [{ a: { field: "constructor" } }, `claim "a": the field "constructor" is unknown; ${fields}`],
      [{ a: { field: ["id"] } }, `claim "a": the field ["id"] is unknown; ${fields}`],
      [
        { a: choice('"when": "isRich", "then": "x", "else": "y"') },
        `claim "a": "when" takes "isStaff" or "isActive"`,
      ],
      [{ a: choice('"when": "isStaff", "then": "x"') }, `claim "a": ${forms}`],
      [{ a: choice('"when": "isStaff", "then": { "field": "id" }, "else": "y"') }, `claim "a": ${forms}`],
      [{ a: { field: "id", else: "y" } }, `claim "a": ${forms}`],
      [{ a: {} }, `claim "a": ${forms}`],
      [{ a: null }, `claim "a": ${forms}`],
      [{ a: [1] }, `claim "a": ${forms}`],
      [{ a: "x".repeat(255) }, 'claim "a": is a constant of more than 256 characters'],
      [{ a: Array(65).fill("x") }, 'claim "a": is a constant of more than 256 characters'],
      [{ "": 1 }, 'claim "": takes a name of 1 to 128 characters'],
      [[], 'is not an object such as {"role": "member"}'],
      [null, 'is not an object such as {"role": "member"}'],
      ["role", 'is not an object such as {"role": "member"}'],
      [
        Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`c${at}`, at])),
        "has 33 claims; at most 32 are taken",
      ],
      [
        Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`c${at}`, "x".repeat(250)])),
        expect.stringMatching(
          /^makes claims of up to 5\d\d\d bytes; 4096 are the most that a token takes$/,
        ) as never,
      ],
      [
        { a: { field: "username" }, b: { field: "username" }, c: { field: "username" } },
        expect.stringMatching(/^makes claims of up to 4\d\d\d bytes/) as never,
      ],
    ];
    for (const [mapping, fault] of faults)
      expect([mapping, faultOf(JSON.stringify(mapping))]).toEqual([mapping, fault]);
    expect(faultOf("{")).toMatch(/^is not JSON: [^\n]+$/);
    expect(faultOf('{\n"a":\n\n}')).toMatch(/^is not JSON: [^\n]+$/);
    expect(faultOf('{"a": 1e999}')).toBe(`claim "a": ${forms}`);
  });

  it("cannot name a claim of ours, or the prototype", () => {
    const reserved =
      "iss sub aud exp nbf iat jti sid gen typ scope client_id auth_time acr amr azp nonce cnf act may_act active token_type events";
    for (const name of reserved.split(" "))
      expect(faultOf(JSON.stringify({ [name]: "x" }))).toBe(
        `claim "${name}": is reserved; only the gateway sets it`,
      );
    for (const namespace of [undefined, "https://hasura.io/jwt/claims"])
      for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"])
        expect(faultOf(`{"${name}": "x"}`, namespace)).toBe(`claim "${name}": is no name for a claim`);
  });
});

const read = (claimsFile: string, claimsNamespace?: string) =>
  readExtraClaims({ claimsFile, claimsNamespace });

describe("CLAIMS_FILE", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-claims-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it("is named with its fault", async () => {
    const claimsFile = join(directory, "claims.json");
    await expect(read(claimsFile)).rejects.toThrow(`CLAIMS_FILE ${claimsFile}: is not there`);
    await expect(read(directory)).rejects.toThrow(`CLAIMS_FILE ${directory}: is not a file`);
    await writeFile(claimsFile, " ".repeat(65_537));
    await expect(read(claimsFile)).rejects.toThrow(`CLAIMS_FILE ${claimsFile}: is larger than 65536 bytes`);
    await writeFile(claimsFile, '{"role": {"field": "passwordHash"}}');
    await expect(read(claimsFile)).rejects.toThrow(
      `CLAIMS_FILE ${claimsFile}: claim "role": the field "passwordHash" is secret; ${fields}`,
    );
    await writeFile(claimsFile, '{"role": "member"}');
    expect((await read(claimsFile)).inToken(ada)).toEqual({ role: "member" });
    for (const name of ["sub", "__proto__", "constructor"])
      await expect(read(claimsFile, name)).rejects.toThrow(
        `CLAIMS_NAMESPACE takes a name of its own; "${name}" is reserved`,
      );
    expect(
      (await readExtraClaims({ claimsFile: undefined, claimsNamespace: undefined })).inToken(ada),
    ).toEqual({});
  });
});
