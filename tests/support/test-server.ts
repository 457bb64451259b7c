import type { EmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";

/** What the global set-up hands to the global tear-down: both run in one process. */
export const testServer: { directory?: string; postgres?: EmbeddedPostgres } = {};
