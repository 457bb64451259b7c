import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  // Relative, because a proxy may have the gateway below a path of its own.
  base: "./",
  // Vite warns of every "use client" directive in a dependency; what breaks the page is an error.
  logLevel: "error",
  build: {
    target: "es2022",
    // The page is served at `/`, these files below `/ide/assets/`.
    assetsDir: "ide/assets",
    // The page's Content-Security-Policy takes scripts and workers from files of this origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
});
