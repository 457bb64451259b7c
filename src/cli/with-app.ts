import type { runWithApp } from "./run-with-app.ts";
import type { runWithDatabase } from "./run-with-database.ts";

// What a command works with is loaded when it runs, so that the help, and a wrong option, do not wait for it.

export const withDatabase: typeof runWithDatabase = async (...args) =>
  (await import("./run-with-database.ts")).runWithDatabase(...args);

export const withApp: typeof runWithApp = async (...args) =>
  (await import("./run-with-app.ts")).runWithApp(...args);
