import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { openDataDirectory } from "./data-directory.ts";
import { makeSecretFile, readSecretFile } from "./secret-file.ts";

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
  const path = join(await openDataDirectory(dataDir), name);
  if (readSecretFile(path) === undefined) await makeSecretFile(path, randomBytes(48).toString("base64url"));
  return longEnough(readSecretFile(path) ?? "", path);
}

/** A file that was cut off, or is empty, must not become a key that anybody can guess. */
function longEnough(secret: string, path: string): string {
  if (Buffer.byteLength(secret) >= 32) return secret;
  throw new Error(
    `${path} is damaged: restore it, or delete it: a new one is made, and everyone must sign in again.`,
  );
}
