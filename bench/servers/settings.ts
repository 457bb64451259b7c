/** What each server that we are compared with is told, as JSON, in its only argument. */
export interface ServerSettings {
  /** A database of its own. */
  databaseUrl: string;
  accounts: { username: string; email: string; password: string }[];
  /** Of argon2id, so that a sign-in costs as much everywhere. `memoryCost` in KiB. */
  hashing: { memoryCost: number; timeCost: number; parallelism: number };
  /** A random text for signing. */
  secret: string;
}

export function readSettings(): ServerSettings {
  return JSON.parse(process.argv[2] ?? "") as ServerSettings;
}
