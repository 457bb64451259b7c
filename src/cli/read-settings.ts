import cluster from "node:cluster";
import { ConfigError, loadConfig, settingNames } from "../config/config.ts";
import type { Config } from "../config/config.ts";
import { readEnvFile } from "../config/env-file.ts";
import { nearestName } from "../config/nearest-name.ts";
import { printable } from "../security/printable-text.ts";

/** Read by `createsuperuser` alone. */
const superuserNames = ["EMAIL", "USERNAME", "PASSWORD"].map((part) => `GATEHOUSE_SUPERUSER_${part}`);
const knownNames = [...settingNames, ...superuserNames];

/** What cannot be the second line of a secret in base64. */
const looksLikeName = /^[A-Z][A-Z_]{0,60}$/;

/** Shorter names resemble too many that have nothing to do with us. */
const distinctiveLength = 8;

/** The configuration of the environment and of `.env`; the environment wins. @throws an Error with a line for each fault */
export function readSettings(): Config {
  const file = readEnvFile(".env") ?? {};
  checkFileNames(Object.keys(file));
  warnOfMisspeltNames(Object.keys(process.env));
  for (const [name, value] of Object.entries(file)) process.env[name] ??= value;
  return loadConfig(process.env);
}

function checkFileNames(names: string[]): void {
  const misspelt: string[] = [];
  for (const name of names.filter((candidate) => !knownNames.includes(candidate))) {
    const meant = nearestName(name, knownNames);
    if (meant === undefined) {
      const shown = looksLikeName.test(name) ? name : "a variable";
      warn(`.env sets ${shown}, which is not a setting of Gatehouse`);
    } else misspelt.push(`.env sets ${name}, which is not a setting; did you mean ${meant}?`);
  }
  if (misspelt.length > 0) throw new ConfigError(misspelt.join("\n"));
}

function warnOfMisspeltNames(names: string[]): void {
  for (const name of names.filter((candidate) => !knownNames.includes(candidate))) {
    const meant = nearestName(name, knownNames);
    if (meant !== undefined && (meant.length >= distinctiveLength || name.startsWith("GATEHOUSE_")))
      warn(`the environment sets ${name}, which is not a setting; did you mean ${meant}?`);
  }
}

/** Said once, not by every worker again. */
function warn(message: string): void {
  if (cluster.isPrimary) process.stderr.write(`gatehouse: warning: ${printable(message)}\n`);
}
