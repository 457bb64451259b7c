import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  asSuperuser,
  createDatabase,
  databaseUrl as urlOf,
  dropDatabase,
  query,
} from "./support/database.ts";
import { gatehouse } from "./support/gateway-process.ts";

const key = "a secret of thirty-two bytes or more";
let databaseUrl: string;
let limitedUrl: string;
let directory: string;
/** Accepts connections and never says anything. */
let silent: Server;
const port = () => String((silent.address() as AddressInfo).port);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-refused-"));
  await writeFile(join(directory, "file"), "");
  databaseUrl = await createDatabase();
  // Seals the signing keys of the database.
  const listed = await gatehouse(["keys", "rotate"], { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key }).exit;
  expect(listed.stderr).toBe("");
  await query(
    asSuperuser(databaseUrl),
    `create role limited login password 'limited';
     grant select on all tables in schema public to limited;
     revoke select on signing_keys from limited`,
  );
  const limited = new URL(databaseUrl);
  limited.username = limited.password = "limited";
  limitedUrl = limited.href;
  silent = createServer(() => {}).listen(0, "127.0.0.1");
});
afterAll(async () => {
  silent.close();
  await query(asSuperuser(databaseUrl), "drop owned by limited; drop role limited");
  await dropDatabase(databaseUrl);
  await rm(directory, { recursive: true });
});

type Environment = Record<string, string>;
const refusals: [string, () => Environment, RegExp][] = [
  [
    "another ENCRYPTION_KEY",
    () => ({ DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key.toUpperCase() }),
    /ENCRYPTION_KEY opens no signing key/,
  ],
  [
    "a role without a grant",
    () => ({ DATABASE_URL: limitedUrl, ENCRYPTION_KEY: key }),
    /permission denied for table signing_keys|`grant .*delete on signing_keys to limited`/,
  ],
  [
    "a CLAIMS_FILE that is missing",
    () => ({ DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key, CLAIMS_FILE: join(directory, "missing.json") }),
    /CLAIMS_FILE .*missing\.json: is not there/,
  ],
  [
    "a port that is taken",
    () => ({ DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key, PORT: port() }),
    /HOST and PORT cannot be listened on|EADDRINUSE/,
  ],
  [
    "a HOST that is not ours",
    () => ({ DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key, HOST: "192.0.2.1" }),
    /HOST and PORT cannot be listened on|EADDRNOTAVAIL/,
  ],
  [
    "a database that lacks migrations",
    () => ({ DATABASE_URL: urlOf("postgres"), ENCRYPTION_KEY: key }),
    /The database lacks \d+ migrations/,
  ],
  [
    "a database that does not answer",
    () => ({ DATABASE_URL: `postgresql://u:pw@127.0.0.1:${port()}/db`, ENCRYPTION_KEY: key }),
    /\(DATABASE_URL\) cannot be used: .*timeout/,
  ],
  ["a DATA_DIR that is a file", () => ({ DATA_DIR: join(directory, "file") }), /DATA_DIR .*file/],
];

describe.each([
  ["serve", ["serve"], {}],
  ["serve with workers", ["serve"], { WORKERS: "2" }],
])("gatehouse %s ends with an error", (_name, args, more: Environment) => {
  it.each(refusals)("given %s", async (_what, environment, reason) => {
    const { code, stderr } = await gatehouse(args, { PORT: "0", ...environment(), ...more }).exit;
    expect(stderr).toMatch(/^(gatehouse: .+\n)+$/);
    expect(stderr).toMatch(reason);
    expect(code).toBe(1);
  });
});

describe("an operator command ends with an error", () => {
  const forCommands = refusals.filter(([what]) => !/port|HOST/.test(what));
  it.each(forCommands)("given %s", async (what, environment, reason) => {
    const args = what.includes("ENCRYPTION_KEY") || what.includes("grant") ? ["keys", "rotate"] : ["shell"];
    const { code, stderr } = await gatehouse(args, environment()).exit;
    expect(stderr).toMatch(reason);
    expect(code).toBe(1);
  });
});
