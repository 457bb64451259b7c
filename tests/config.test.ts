import { expect, it } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { loadConfig } from "../src/config.ts";

it("README.md and .env.example name every variable, with the default that it has", async () => {
  const [source, readme, example] = await Promise.all(
    ["src/config.ts", "README.md", ".env.example"].map((file) => readFile(file, "utf8")),
  );
  const variables = new Set(
    [...(source ?? "").matchAll(/^ {4}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name),
  );
  expect(variables.size).toBeGreaterThan(30);
  const rows = [...(readme ?? "").matchAll(/^\| `([A-Z][A-Z0-9_]+)` +\| (.*?) +\| .+\|$/gm)];
  const described = rows.filter(([, name]) => variables.has(name));
  expect(new Set(described.map(([, name]) => name))).toEqual(variables);
  const lines = [...(example ?? "").matchAll(/^# ([A-Z][A-Z0-9_]+)=(\S*)/gm)];
  expect(new Set(lines.map(([, name]) => name))).toEqual(variables);

  const unset = loadConfig({});
  for (const [, name = "", cell = ""] of [...described, ...lines]) {
    const [, value = cell] = /^`([^`]*)`/.exec(cell) ?? [];
    // What a default follows from is said in words, or is another variable.
    if (value === "" || variables.has(value) || value.includes(" ")) continue;
    expect([name, value, loadConfig({ [name]: value })]).toEqual([name, value, unset]);
  }
});

it.each(["1s", "23h"])(
  "AUTH_EVENTS_RETENTION=%s is refused: nobody is to wipe what was done today",
  (value) => {
    expect(() => loadConfig({ AUTH_EVENTS_RETENTION: value })).toThrow(
      "AUTH_EVENTS_RETENTION takes 1d or more",
    );
    expect(loadConfig({ AUTH_EVENTS_RETENTION: "24h" })).toHaveProperty("authEventsRetention", 86_400);
  },
);
