import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";

/** What tokens are signed with: a shared secret for HS256; what seals the keys of the other algorithms. */
export interface TokenSecrets {
  jwtSecret: string | undefined;
  encryptionKeys: readonly string[];
}

/** Those of the configuration, or else kept ones. */
export async function tokenSecrets(config: Config): Promise<TokenSecrets> {
  const { jwtAlgorithm, dataDir, jwtSecret, encryptionKeys } = config;
  return jwtAlgorithm === "HS256"
    ? { jwtSecret: jwtSecret ?? (await keptSecret(dataDir, "jwt-secret")), encryptionKeys: [] }
    : {
        jwtSecret: undefined,
        encryptionKeys: encryptionKeys ?? [await keptSecret(dataDir, "encryption-key")],
      };
}

/** The secret kept under the data directory, made at random at the first call; readable by its owner alone. */
async function keptSecret(dataDir: string, name: string): Promise<string> {
  const path = join(dataDir, name);
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  const existing = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (existing !== undefined) return longEnough(existing, path);
  // Written whole before it has its name, so that neither a crash nor a second process leaves or reads half of it.
  await writeFile(draft, randomBytes(48).toString("base64url"), {
    mode: 0o600,
    flag: "wx",
    flush: true,
  });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(draft);
  return longEnough(await readFile(path, "utf8"), path);
}

/** A file that was cut off, or is empty, must not become a key that anybody can guess. */
function longEnough(secret: string, path: string): string {
  if (Buffer.byteLength(secret) >= 32) return secret;
  throw new Error(
    `${path} is damaged: restore it, or delete it: a new one is made, and everyone must sign in again.`,
  );
}
