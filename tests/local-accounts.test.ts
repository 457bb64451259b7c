import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import { createOrm } from "../src/persistence/orm.ts";
import { migrateUp } from "../src/persistence/migrations.ts";
import { endProcesses, newDirectory, query, removeDirectories } from "./support/database-process.ts";
import { gatehouse, killAll, post, serve } from "./support/gateway-process.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? it : it.skip;
const secret = "a secret of thirty-two bytes or more";

afterEach(async () => {
  await killAll();
  await endProcesses();
});
afterAll(removeDirectories);

/** Why a start is refused. */
async function refusal(environment: Record<string, string>, directory = "/"): Promise<string> {
  const { code, stderr } = await gatehouse(["serve"], { PORT: "0", ...environment }, ["env", "-C", directory])
    .exit;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^gatehouse: .*\n$/);
  return stderr;
}

describe("the embedded database", () => {
  it("is used by a role that can neither read files nor start programs", async () => {
    const server = await startEmbeddedPostgres(newDirectory());
    const [role] = await query(
      server.url,
      "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as has_rights from pg_roles where rolname = current_user",
    );
    expect(role).toEqual({ has_rights: false });
    await query(server.url, "create table texts (line text)");
    for (const statement of [
      "select pg_read_file('/etc/hostname')",
      "select pg_ls_dir('/')",
      "select lo_import('/etc/hostname')",
      "copy texts from '/etc/hostname'",
      "copy texts to '/tmp/gatehouse-texts'",
      "copy texts from program 'id'",
      "alter system set log_statement = 'all'",
      "set role gatehouse",
      "create role other superuser",
    ])
      await expect(query(server.url, statement)).rejects.toThrow(/permission denied/);
    await server.stop();
  });

  it("of the previous release starts with all that is in it, and changes hands", async () => {
    const dataDir = newDirectory();
    const first = await serve({ DATA_DIR: dataDir });
    const register = `mutation { register(input: { email: "ada@example.com", username: "ada", password: "a password" }) { token } }`;
    const { data } = await post(first.url, register);
    await killAll();
    await makePrevious(dataDir);

    const next = await serve({ DATA_DIR: dataDir });
    const me = await post(next.url, "{ me { username } }", `Token ${data.register.token}`);
    expect(me).toEqual({ data: { me: { username: "ada" } } });
    const beside = await gatehouse(["migrate", "status"], { DATA_DIR: dataDir }).exit;
    expect(beside).toMatchObject({ code: 0, stderr: "" });
    await killAll();
    if (isRoot) expect(statSync(join(dataDir, "postgres/data")).uid).not.toBe(65_534);
    const server = await startEmbeddedPostgres(dataDir);
    const left = await query(
      server.superuserUrl,
      `select relname from pg_class where relowner = 'gatehouse'::regrole and relnamespace = 'public'::regnamespace
       union all select proname from pg_proc where proowner = 'gatehouse'::regrole and pronamespace = 'public'::regnamespace`,
    );
    expect(left).toEqual([]);
    await server.stop();
  });
});

/** As it was: everything belongs to the superuser and, under root, the files to `nobody`. */
async function makePrevious(dataDir: string): Promise<void> {
  const server = await startEmbeddedPostgres(dataDir);
  await query(
    server.superuserUrl,
    `reassign owned by gatehouse_owner to gatehouse; drop owned by gatehouse_owner; drop role gatehouse_owner;
     create type mood as enum ('fine'); create sequence apart; create view views as select 1 as one;
     create schema more; create table more.things (id serial primary key, other int generated always as identity)`,
  );
  await server.stop();
  const home = join(dataDir, "postgres");
  rmSync(join(home, "owner-password"));
  if (!isRoot) return;
  spawnSync("chown", ["-R", "nobody", join(home, "data")]);
  chmodSync(home, 0o711);
}

describe("DATA_DIR is refused", () => {
  asRoot("if it belongs to another account", async () => {
    const dataDir = newDirectory();
    writeFileSync(join(dataDir, "encryption-key"), secret, { mode: 0o600 });
    chownSync(dataDir, 1, 1);
    expect(await refusal({ DATA_DIR: dataDir })).toContain(
      `DATA_DIR ${dataDir} is not safe: it belongs to another account (uid 1): \`chown\` it, or use another path`,
    );
  });

  it.each([0o777, 0o1777, 0o703])("if other accounts can write to it (mode %o)", async (mode) => {
    const dataDir = newDirectory();
    chmodSync(dataDir, mode);
    expect(await refusal({ DATA_DIR: dataDir })).toContain("is not safe: other accounts can write to it");
  });

  asRoot("if another group can write to it", async () => {
    const dataDir = newDirectory();
    chownSync(dataDir, 0, 1);
    chmodSync(dataDir, 0o770);
    expect(await refusal({ DATA_DIR: dataDir })).toContain("is not safe: other accounts can write to it");
  });

  it("if other accounts can replace it", async () => {
    const parent = newDirectory();
    chmodSync(parent, 0o777);
    mkdirSync(join(parent, "data"), { mode: 0o700 });
    expect(await refusal({ DATA_DIR: join(parent, "data") })).toContain(
      `is not safe: other accounts can write to ${parent} (mode 777)`,
    );
  });

  asRoot("if another account made the link that leads to it", async () => {
    const link = join(newDirectory(), "link");
    symlinkSync(newDirectory(), link);
    spawnSync("chown", ["-h", "1", link]);
    expect(await refusal({ DATA_DIR: link })).toContain(`${link} belongs to another account (uid 1)`);
  });
});

describe.each(["encryption-key", "jwt-secret"])("%s under DATA_DIR is refused", (name) => {
  const environment = (DATA_DIR: string) => ({
    DATA_DIR,
    JWT_ALGORITHM: name === "jwt-secret" ? "HS256" : "ES256",
  });
  const plant = (mode: number) => {
    const dataDir = newDirectory();
    writeFileSync(join(dataDir, name), secret);
    chmodSync(join(dataDir, name), mode);
    return dataDir;
  };

  it.each([0o644, 0o640, 0o602])("if it is open to others (mode %o)", async (mode) => {
    const message = await refusal(environment(plant(mode)));
    expect(message).toMatch(new RegExp(`/${name} is (open to other accounts|not safe).*chmod`));
    expect(message).not.toContain(secret);
  });

  it("if it is a symbolic link", async () => {
    const dataDir = newDirectory();
    symlinkSync(join(plant(0o600), name), join(dataDir, name));
    expect(await refusal(environment(dataDir))).toContain(`/${name} is a symbolic link`);
  });

  asRoot("if it belongs to another account", async () => {
    const dataDir = plant(0o600);
    chownSync(join(dataDir, name), 65_534, 65_534);
    expect(await refusal(environment(dataDir))).toContain("belongs to another account (uid 65534)");
  });
});

describe("a file of settings is refused", () => {
  const claims = JSON.stringify({ role: { value: "admin" } });

  it.each([".env", "claims.json"])("if others can write it: %s", async (name) => {
    const directory = newDirectory();
    writeFileSync(join(directory, name), name === ".env" ? "IDE=off\n" : claims);
    chmodSync(join(directory, name), 0o666);
    const environment = { DATA_DIR: newDirectory(), ...(name === ".env" ? {} : { CLAIMS_FILE: name }) };
    expect(await refusal(environment, directory)).toMatch(
      /is not safe: other accounts can write to it \(mode 666\)/,
    );
  });

  asRoot.each([".env", "claims.json"])("if it belongs to another account: %s", async (name) => {
    const directory = newDirectory();
    writeFileSync(join(directory, name), name === ".env" ? "IDE=off\n" : claims);
    chownSync(join(directory, name), 1, 1);
    const environment = { DATA_DIR: newDirectory(), ...(name === ".env" ? {} : { CLAIMS_FILE: name }) };
    expect(await refusal(environment, directory)).toContain("belongs to another account (uid 1)");
  });
});

asRoot("a .env that is another account's link is refused", async () => {
  const target = join(newDirectory(), "settings");
  writeFileSync(target, "IDE=off\n");
  const directory = newDirectory();
  symlinkSync(target, join(directory, ".env"));
  spawnSync("chown", ["-h", "1", join(directory, ".env")]);
  expect(await refusal({ DATA_DIR: newDirectory() }, directory)).toContain(
    "belongs to another account (uid 1)",
  );
});

it("runs no code from a cache that others can write to", () => {
  const root = newDirectory();
  for (const folder of ["bin", "dist/bundle", "dist/compile-cache"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "package.json"), `{ "type": "module" }`);
  for (const file of ["gatehouse.js", "packaged-node.js"])
    copyFileSync(join("bin", file), join(root, "bin", file));
  writeFileSync(
    join(root, "dist/bundle/gatehouse.js"),
    `import module from "node:module"; export const run = () => console.log(module.getCompileCacheDir());`,
  );
  const cache = join(root, "dist/compile-cache");
  const cacheInUse = () =>
    spawnSync(process.execPath, [join(root, "bin/gatehouse.js")], { encoding: "utf8" }).stdout;
  chmodSync(cache, 0o777);
  expect(cacheInUse()).toBe("undefined\n");
  chmodSync(cache, 0o755);
  expect(cacheInUse()).toContain(cache);
  const [versioned = ""] = readdirSync(cache);
  expect(existsSync(join(cache, versioned))).toBe(true);
  chmodSync(join(cache, versioned), 0o777);
  expect(cacheInUse()).toBe("undefined\n");
});

it("migrations run as the role that owns the database", async () => {
  const server = await startEmbeddedPostgres(newDirectory());
  const orm = createOrm(server.url, { info: () => {} });
  expect((await migrateUp(orm)).length).toBeGreaterThan(0);
  await orm.close();
  await server.stop();
});
