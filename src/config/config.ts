import type { z } from "zod";
import { settings } from "./settings.ts";
import { unclearForm } from "./setting-forms.ts";

export type Config = Readonly<z.output<typeof settings>>;

/** The start must stop: one line per faulty variable, each with its name and what it takes. */
export class ConfigError extends Error {}

/** The variables that `loadConfig` reads. */
export const settingNames: readonly string[] = Object.keys(settings.in.shape);

/** Reads and checks the configuration; nothing else reads the environment. An empty variable counts as unset. */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const unclear = new Map(
    settingNames.flatMap((name) => {
      const form = unclearForm(name, given[name] ?? "");
      return form === undefined ? [] : [[name, form]];
    }),
  );
  const result = settings.safeParse(given);
  if (result.success && unclear.size === 0) return Object.freeze(result.data);
  const others = result.error?.issues.map(({ path, message }) => ({ name: path.join("."), message })) ?? [];
  throw new ConfigError(
    [
      ...[...unclear].map(([name, form]) => `${name} ${form}`),
      ...others.filter(({ name }) => !unclear.has(name)).map(({ name, message }) => `${name} ${message}`),
    ].join("\n"),
  );
}
