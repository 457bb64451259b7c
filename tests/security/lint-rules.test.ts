import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

interface Finding {
  code: string;
  labels: [{ span: { line: number } }];
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-lint-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** Each line of the sources that the project's lint refuses -> the rules, other rules left out. */
async function refused(source: string, rules: string[]): Promise<Record<string, string[]>> {
  await writeFile(join(directory, "planted.ts"), source);
  const oxlint = resolve("node_modules/oxlint/bin/oxlint");
  const run = spawnSync(process.execPath, [
    oxlint,
    "-c",
    resolve(".oxlintrc.json"),
    "--format=json",
    directory,
  ]);
  const { diagnostics } = JSON.parse(run.stdout.toString()) as { diagnostics: Finding[] };
  const lines = source.split("\n");
  const found: Record<string, string[]> = {};
  for (const { code, labels } of diagnostics) {
    const line = lines[labels[0].span.line - 1]?.trim() ?? "";
    if (rules.includes(code)) (found[line] ??= []).push(code);
  }
  return found;
}

it("lint refuses SQL that is made of anything but constants", async () => {
  const source = `
    import { columns } from "./columns.ts";
    const table = "users";
    const all = \`select \${columns} from \${table}\`;
    const several = [all, "select 1"];
    const forms = { email: "lower(email)", username: "lower(username)" };
    const lookup = (column) => \`select * from users where \${column} = ?\`;
    let changing = all;
    const named = namedStatement({ name: "all", text: lookup({ column: all }) });
    const namedBy = (by) => namedStatement({ name: by, text: lookup(forms[by]) });
    const namedText = (text) => namedStatement({ name: "text", text });
    export async function find(em, pool, client, name: string, sql: string) {
      const byName = "select * from users where name = ?";
      const forged = \`select * from users where name = '\${name}'\`;
      await em.execute(all);
      await em.execute(byName, [name]);
      await em.execute(name === "" ? all : byName);
      for (const each of several) await em.execute(each);
      await client.query(\`listen \${client.escapeIdentifier(name)}\`);
      await pool.query({ text: all, values: [name] });
      await em.execute(lookup(forms[name]), [name]);
      await em.execute(forged);
      await em.execute(lookup(name));
      await em.execute(\`select * from \${name}\`);
      await em.execute("select '" + name + "'");
      await em.execute(sql);
      await em.execute(changing);
      await em.execute(sql.trim());
      await em["execute"](sql + "");
      await pool.query({ text: forged, values: [] });
      await pool.query({ "text": forged, values: [] });
      await pool.query({ ...name });
      em.createQueryBuilder("User").where({ name }).andWhere(all);
      em.createQueryBuilder("User").where(forged);
      return em.find("User", { [raw(name)]: 1 });
    }`;
  const rule = "gatehouse(no-raw-sql)";
  expect(await refused(source, [rule])).toEqual(
    Object.fromEntries(
      [
        'const namedText = (text) => namedStatement({ name: "text", text });',
        "await em.execute(forged);",
        "await em.execute(lookup(name));",
        "await em.execute(`select * from ${name}`);",
        `await em.execute("select '" + name + "'");`,
        "await em.execute(sql);",
        "await em.execute(changing);",
        "await em.execute(sql.trim());",
        'await em["execute"](sql + "");',
        "await pool.query({ text: forged, values: [] });",
        'await pool.query({ "text": forged, values: [] });',
        "await pool.query({ ...name });",
        'em.createQueryBuilder("User").where(forged);',
        `return em.find("User", { [raw(name)]: 1 });`,
      ].map((line) => [line, [rule]]),
    ),
  );
});

it("lint refuses patterns that take more than linear time, or cannot be judged", async () => {
  const source = `
    const word = "[a-z]+";
    export const linear = /^[a-z]+(?:-[a-z]+)*$/;
    export const made = new RegExp(\`^\${word}(?:-\${word})*$\`, "u");
    export const raw = new RegExp(String.raw\`^\\w+\` + "$");
    export const exponential = /^(a+)+$/;
    export const quadratic = /\\s+$/;
    export const hidden = new RegExp(\`^(\${word})+$\`);
    export const called = RegExp("^(a|a)*$");
    export const given = (text: string) => new RegExp(text);
    export const flagged = (flags: string) => new RegExp("a", flags);`;
  const rule = "gatehouse(safe-regex)";
  const found = Object.keys(await refused(source, [rule])).map((line) => line.split(" ")[2]);
  expect(found).toEqual(
    expect.arrayContaining(["called", "exponential", "flagged", "given", "hidden", "quadratic"]),
  );
});

it("lint refuses text that is run as code", async () => {
  const source = `
    eval("1");
    new Function("return 1");
    setTimeout("run()", 1);
    location.href = "javascript:run()";`;
  const rules = [
    "eslint(no-eval)",
    "eslint(no-new-func)",
    "eslint(no-implied-eval)",
    "eslint(no-script-url)",
  ];
  const found = await refused(source, rules);
  expect(Object.values(found)).toEqual(rules.map((rule) => [rule]));
});
