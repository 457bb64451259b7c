import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import { readFileSync, realpathSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { dirname, resolve } from "node:path";

/** Another account could have put a file there, or could replace it. The message goes on from the path. */
export class UntrustedFile extends Error {}

/** Accounts that decide what we do anyway: our own, root, and the owner of the program. Windows has no such numbers. */
const owners = new Set([process.geteuid?.(), 0, statSync(import.meta.filename).uid]);
const isChecked = process.geteuid !== undefined;

const largestFile = 1024 * 1024;

/**
 * Reads a file that no other account can write, nor read if it is `secret`.
 * @throws UntrustedFile; the error of the file system, if the file cannot be opened
 */
export function readTrustedFile(
  path: string,
  { secret = false, maxBytes = largestFile }: { secret?: boolean; maxBytes?: number } = {},
): Buffer {
  // Opening a pipe must not wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (secret ? constants.O_NOFOLLOW : 0);
  const descriptor = openUnlinked(path, flags);
  try {
    const file = fstatSync(descriptor);
    if (!file.isFile()) throw new UntrustedFile("is not a file");
    if (file.size > maxBytes) throw new UntrustedFile(`is larger than ${maxBytes} bytes`);
    checkParents(resolve(path));
    checkParents(realpathSync(path));
    checkOwnership(path, file, "it");
    if (secret && isChecked && file.size > 0 && (file.mode & 0o077) !== 0)
      throw new UntrustedFile(
        `is open to other accounts (mode ${modeOf(file)}): replace what is in it, or \`chmod 600\` it if nobody can have read it`,
      );
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openUnlinked(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ELOOP") throw error;
    throw new UntrustedFile("is a symbolic link", { cause: error });
  }
}

/**
 * Checks that no other account can put files into the directory, or another directory in its place.
 * @returns its path without symbolic links
 * @throws UntrustedFile; the error of the file system, if it cannot be found
 */
export function checkDirectory(path: string): string {
  const real = realpathSync(path);
  const directory = statSync(real);
  if (!directory.isDirectory()) throw new UntrustedFile("is not a directory");
  checkOwnership(real, directory, "it");
  checkParents(resolve(path));
  checkParents(real);
  return real;
}

/** From an absolute path up to the root. In a sticky directory such as /tmp, only owners can replace their files. */
function checkParents(path: string): void {
  for (let child = path; ; child = dirname(child)) {
    const status = lstatSync(child);
    if (status.isSymbolicLink()) checkOwner(status, child);
    else if (status.isDirectory() && !(isSticky(status) && child !== path))
      checkOwnership(child, status, child);
    else checkOwner(status, child);
    if (child === dirname(child)) return;
  }
}

const isSticky = ({ mode }: Stats) => (mode & 0o1000) !== 0;

function checkOwner({ uid }: Stats, name: string): void {
  if (isChecked && !owners.has(uid))
    throw new UntrustedFile(
      `is not safe: ${name} belongs to another account (uid ${uid}): \`chown\` it, or use another path`,
    );
}

function checkOwnership(path: string, status: Stats, name: string): void {
  checkOwner(status, name);
  if (isChecked && isWritableByOthers(status) && !isReadOnly(path))
    throw new UntrustedFile(
      `is not safe: other accounts can write to ${name} (mode ${modeOf(status)}): \`chmod go-w\` it, or use another path`,
    );
}

/** A group with the number of its user is that user's alone, as most systems set it up. */
function isWritableByOthers({ mode, uid, gid }: Stats): boolean {
  const isPrivateGroup = gid === uid || gid === 0;
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isPrivateGroup);
}

/** As volumes of configuration often are mounted, with all permissions. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

const modeOf = ({ mode }: Stats) => (mode & 0o7777).toString(8);
