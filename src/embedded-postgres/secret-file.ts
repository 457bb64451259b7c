import { randomBytes } from "node:crypto";
import { link, rm, writeFile } from "node:fs/promises";
import { readTrustedFile, UntrustedFile } from "../security/trusted-files.ts";

/** The text of a file that its owner alone can read; undefined when there is none. @throws Error of one line */
export function readSecretFile(path: string): string | undefined {
  try {
    return readTrustedFile(path, { secret: true }).toString("utf8");
  } catch (error) {
    if (error instanceof UntrustedFile) throw new Error(`${path} ${error.message}`, { cause: error });
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** Makes such a file, unless another process did so first. */
export async function makeSecretFile(path: string, secret: string): Promise<void> {
  // Written whole before it has its name, so that neither a crash nor a second process leaves or reads half of it.
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, secret, { mode: 0o600, flag: "wx", flush: true });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(draft);
}
