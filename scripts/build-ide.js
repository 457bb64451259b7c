// Builds the IDE page of ide/ into dist/ide.
import { join } from "node:path";
import { buildFolder, filesBelow, ROOT } from "./built-folder.js";

const inputs = [...filesBelow(join(ROOT, "ide")), import.meta.filename];

await buildFolder("ide", inputs, async (outDir) => {
  // Vite heeds what it finds here, and the page would be React's development build.
  process.env.NODE_ENV = "production";
  const { build } = await import("vite");
  await build({ configFile: join(ROOT, "ide/vite.config.js"), build: { outDir, emptyOutDir: true } });
});
