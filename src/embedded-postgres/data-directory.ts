import { chmod, mkdir } from "node:fs/promises";
import { checkDirectory, UntrustedFile } from "../security/trusted-files.ts";

/** Makes DATA_DIR if it is missing, closed to other users, and checks who can write to it. @returns its real path */
export async function openDataDirectory(dataDir: string): Promise<string> {
  const made = await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (made) await chmod(dataDir, closedButPassable());
  return checkDataDirectory(dataDir);
}

/** @throws Error of one line; ENOENT when there is no such directory */
export function checkDataDirectory(dataDir: string): string {
  try {
    return checkDirectory(dataDir);
  } catch (error) {
    if (!(error instanceof UntrustedFile)) throw error;
    throw new Error(`DATA_DIR ${dataDir} ${error.message}`, { cause: error });
  }
}

/** Root's PostgreSQL runs under another account, which has to pass through our directories to its own. */
export function closedButPassable(): number {
  return process.getuid?.() === 0 ? 0o711 : 0o700;
}
