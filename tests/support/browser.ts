import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const ROOT = join(import.meta.dirname, "../..");
const DEBIAN_CHROMIUM = "/usr/bin/chromium";
const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`;
const QUIET = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the Chromium of CHROMIUM_PATH, of npm or of Debian, the first that runs; undefined where none does. */
export async function launchBrowser(): Promise<Browser | undefined> {
  const wanted = process.env["CHROMIUM_PATH"];
  if (wanted) return launch(wanted);
  return (await launchFromNpm().catch(saidWhy)) ?? (await launchFromDebian().catch(saidWhy));
}

function saidWhy(error: Error): undefined {
  console.warn(`A Chromium that is here does not run: ${error.message.split("\n", 1)[0]}`);
}

async function launchFromNpm(): Promise<Browser | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const folder = await unpackNpmChromium();
  return launch(join(folder, "chromium"), {
    LD_LIBRARY_PATH: join(folder, "al2023/lib"),
    FONTCONFIG_PATH: join(folder, "fonts"),
  });
}

async function launchFromDebian(): Promise<Browser | undefined> {
  return existsSync(DEBIAN_CHROMIUM) ? launch(DEBIAN_CHROMIUM) : undefined;
}

async function launch(executablePath: string, environment: Record<string, string> = {}): Promise<Browser> {
  return chromium.launch({ executablePath, args: QUIET, env: { ...process.env, ...environment } });
}

/** Unpacks Chromium and the libraries it needs, once per version, where `npm ci` clears them away again. */
async function unpackNpmChromium(): Promise<string> {
  const manifest = await readFile(join(ROOT, "node_modules/@sparticuz/chromium/package.json"), "utf8");
  const cache = join(ROOT, "node_modules/.cache");
  const unpacked = join(cache, `chromium-${JSON.parse(manifest).version}`);
  if (existsSync(unpacked)) return unpacked;

  const fresh = join(cache, `chromium-fresh-${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  // The package unpacks into TMPDIR as it finds it when it is loaded, and the libraries only on Lambda.
  await promisify(execFile)(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `await (await import("@sparticuz/chromium")).default.executablePath();`,
    ],
    { cwd: ROOT, env: { ...process.env, TMPDIR: fresh, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" } },
  );
  // Chromium dies where it finds no font at all, and the package's own list of font folders is made for Lambda.
  await writeFile(join(fresh, "fonts/fonts.conf"), FONTS_CONF);
  await rename(fresh, unpacked).catch(() => rm(fresh, { recursive: true, force: true }));
  return unpacked;
}
