import { afterAll, afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  asOwner,
  asSuperuser,
  createDatabase,
  databaseUrl as serverUrl,
  dropDatabase,
  owner,
  query,
} from "./support/database.ts";
import { gatehouse, killAll, post, serve } from "./support/gateway-process.ts";

let databaseUrl: string;
let name: string;
const encryptionKey = "a secret of thirty-two bytes or more";
beforeEach(async () => {
  databaseUrl = await createDatabase("template0");
  name = new URL(databaseUrl).pathname.slice(1);
});
afterEach(() => dropDatabase(databaseUrl));
afterAll(killAll);

const run = (args: string[], url = databaseUrl) =>
  gatehouse(args, { DATABASE_URL: url, ENCRYPTION_KEY: encryptionKey, PORT: "0" }).exit;
const refusal = (line: string) => ({ code: 1, stderr: `gatehouse: The database cannot be used: ${line}\n` });

/** Where tables are, by schema. */
const tables = () =>
  query(
    databaseUrl,
    `select schemaname as schema, count(*)::int from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') group by 1 order by 1`,
  );

const withParameter = (parameter: string, value: string) => {
  const url = new URL(databaseUrl);
  url.searchParams.set(parameter, value);
  return url.href;
};

const signUp = async (url: string, username: string) => {
  const gateway = await serve({ DATABASE_URL: url, ENCRYPTION_KEY: encryptionKey });
  const input = `{ email: "${username}@example.com", username: "${username}", password: "correct horse battery" }`;
  expect(await post(gateway.url, `mutation { register(input: ${input}) { user { username } } }`)).toEqual({
    data: { register: { user: { username } } },
  });
  gateway.child.kill("SIGTERM");
  await gateway.exit;
};

describe("a schema of its own", () => {
  it.each([
    ["by `?schema=`", () => withParameter("schema", "Auth")],
    ["by `?options=`", () => withParameter("options", '-c search_path="Auth"')],
    ["by a setting of the role", () => databaseUrl],
  ])("holds all tables: chosen %s", async (how, urlOf) => {
    await query(databaseUrl, `create schema "Auth"`);
    if (how.includes("role"))
      await query(
        asSuperuser(databaseUrl),
        `alter role ${owner} in database ${name} set search_path = "Auth"`,
      );
    const url = urlOf();
    expect(await run(["migrate", "up"], url)).toMatchObject({ code: 0, stderr: "" });
    expect(await run(["migrate", "up"], url)).toMatchObject({ code: 0, stdout: "nothing to apply\n" });
    expect(await run(["migrate", "check"], url)).toMatchObject({ code: 0, stderr: "" });
    await signUp(url, "ada");
    expect(await tables()).toEqual([{ schema: "Auth", count: 10 }]);
    expect(await query(databaseUrl, `select username from "Auth".users`)).toEqual([{ username: "ada" }]);
    expect((await run(["migrate", "down"], url)).stdout).toMatch(/^took back /);
  });

  it("must exist", async () => {
    expect(await run(["migrate", "up"], withParameter("schema", "auth"))).toMatchObject(
      refusal(
        `no schema of the search path ("auth") exists that ${owner} may use; run \`create schema …\` or ` +
          `\`grant usage on schema … to ${owner}\`.`,
      ),
    );
  });

  it("must be the one in which the tables are", async () => {
    await run(["migrate", "up"]);
    await query(databaseUrl, `create schema ${owner}`);
    const line = `its tables are in the schema public, and new ones would be made in ${owner}; run \`alter role ${owner} in database ${name} set search_path = public\`.`;
    for (const args of [["migrate", "up"], ["serve"]]) expect(await run(args)).toMatchObject(refusal(line));
  });
});

describe("a database that cannot be used is refused in a line, and the process ends", () => {
  it("by an encoding that is not UTF-8", async () => {
    await dropDatabase(databaseUrl);
    for (const encoding of ["SQL_ASCII", "LATIN1"]) {
      await query(
        serverUrl("postgres"),
        `create database ${name} template template0 encoding '${encoding}' locale_provider libc locale 'C' owner ${owner}`,
      );
      expect(await run(["migrate", "up"])).toMatchObject(
        refusal(
          `its encoding is ${encoding}; make another one by \`create database … encoding 'UTF8' template template0\`.`,
        ),
      );
      await dropDatabase(databaseUrl);
    }
    await query(serverUrl("postgres"), `create database ${name} template template0 owner ${owner}`);
  });

  it("by a schema in which the role may not create", async () => {
    const role = `limited_${name}`;
    await query(asSuperuser(databaseUrl), `create role ${role} login password 'owner'`);
    const url = Object.assign(new URL(databaseUrl), { username: role }).href;
    expect(await run(["migrate", "up"], url)).toMatchObject(
      refusal(`the role ${role} may not create tables; run \`grant create on schema public to ${role}\`.`),
    );
    await run(["migrate", "up"]);
    expect(await run(["serve"], url)).toMatchObject(
      refusal(`the role ${role} lacks a privilege; run \`grant select on migrations to ${role}\`.`),
    );
    await query(
      databaseUrl,
      `grant select on migrations to ${role}; grant all on users, attempts, signing_keys,
      session_revocations, token_revocations, released_names, global_id_keys to ${role}; grant select on sessions to ${role}; grant select, insert on auth_events to ${role}`,
    );
    expect(await run(["serve"], url)).toMatchObject(
      refusal(
        `the role ${role} lacks a privilege; run \`grant insert, update, delete on sessions to ${role}\`.`,
      ),
    );
    await query(asSuperuser(databaseUrl), `drop owned by ${role}; drop role ${role}`);
  });

  it("by missing functions, triggers and tables", async () => {
    await run(["migrate", "up"]);
    await query(
      databaseUrl,
      "drop function gatehouse_remove_old_events; alter table sessions disable trigger sessions_forgotten",
    );
    expect(await run(["serve"])).toMatchObject(
      refusal(
        "it lacks gatehouse_remove_old_events, sessions_forgotten; restore them, `node bin/gatehouse.js migrate check` lists all.",
      ),
    );
    await query(databaseUrl, "drop table attempts; drop function gatehouse_open_session");
    expect((await run(["serve"])).stderr).toContain(
      "the schema public lacks the table attempts; restore it, or set the search path.",
    );
  });

  it("by triggers that are off", async () => {
    await run(["migrate", "up"]);
    await query(
      asSuperuser(databaseUrl),
      `alter role ${owner} in database ${name} set session_replication_role = replica`,
    );
    expect(await run(["serve"])).toMatchObject(
      refusal("triggers are off, because session_replication_role is replica; reset it."),
    );
  });

  it("by a server that takes no writes, as far as it is to be migrated", async () => {
    await query(asSuperuser(databaseUrl), `alter database ${name} set default_transaction_read_only = on`);
    expect(await run(["migrate", "up"])).toMatchObject(
      refusal("it takes no writes; connect to the primary server."),
    );
  });
});

it("serves whatever the role has set for its sessions", async () => {
  const settings = {
    default_transaction_isolation: "serializable",
    standard_conforming_strings: "off",
    datestyle: "SQL, DMY",
    timezone: "Pacific/Apia",
    intervalstyle: "iso_8601",
    statement_timeout: "500ms",
    client_min_messages: "error",
    bytea_output: "escape",
  };
  for (const [setting, value] of Object.entries(settings))
    await query(
      asSuperuser(databaseUrl),
      `alter role ${owner} in database ${name} set ${setting} = '${value}'`,
    );
  expect(await run(["migrate", "up"])).toMatchObject({ code: 0, stderr: "" });
  await signUp(databaseUrl, "ada");
});

it("serves a database of a newer release, and leaves its migrations to that", async () => {
  await run(["migrate", "up"]);
  await query(databaseUrl, "insert into migrations (name) values ('29990101000000_later')");
  expect((await run(["migrate", "status"])).stdout).toMatch(/^newer    29990101000000_later  /m);
  expect(await run(["migrate", "down"])).toMatchObject({
    code: 1,
    stderr:
      "gatehouse: The migration 29990101000000_later is of a newer release, which alone can take it back.\n",
  });
  await signUp(asOwner(databaseUrl), "ada");
});
