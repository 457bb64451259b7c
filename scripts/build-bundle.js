// Puts what tsc made, and the packages that it uses, into the few files of dist/bundle: Node needs more time to find and
// read a thousand modules than for all else that a start takes.
import { join } from "node:path";
import { buildFolder, DIST, filesBelow, ROOT } from "./built-folder.js";

/** What is started by its name stands under that name beside the rest. */
const entries = ["cli/gatehouse", "security/hash-child"];

/** Packages that bring binaries, that are hardly ever loaded, or (class-validator, pg-native) that nobody has. */
const external = ["argon2", "@node-rs/argon2", "pino-pretty", "class-validator", "pg-native"];

const built = ["bundle", "ide", "compile-cache"];
const inputs = filesBelow(DIST, built).filter((file) => file.endsWith(".js"));

await buildFolder("bundle", [...inputs, import.meta.filename], async (outDir) => {
  const { build } = await import("vite");
  await build({
    configFile: false,
    root: ROOT,
    logLevel: "warn",
    publicDir: false,
    // As Node finds them; but of GraphQL there may be one only, and import and require would find two.
    resolve: { mainFields: [], alias: [{ find: /^graphql$/, replacement: "graphql/index.mjs" }] },
    ssr: { noExternal: true, external, resolve: { conditions: ["node"] } },
    build: {
      ssr: true,
      target: "node24",
      outDir,
      emptyOutDir: true,
      rolldownOptions: {
        input: Object.fromEntries(
          entries.map((entry) => [entry.split("/").at(-1), join(DIST, `${entry}.js`)]),
        ),
        // Names of classes are names in the schema, in the database and in the log.
        output: { chunkFileNames: "[name].js", keepNames: true, minify: false },
      },
    },
  });
});
