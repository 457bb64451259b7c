import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { killAll, serve } from "../support/gateway-process.ts";

/** MiB; an idle gateway takes some 50. */
const heap = 128;

let databaseUrl: string;
beforeAll(async () => {
  databaseUrl = await createDatabase();
});
afterAll(async () => {
  await killAll();
  await dropDatabase(databaseUrl);
});

const floods: [number, (index: number) => string][] = [
  [2_500, (index) => `{abc${index}}`],
  [300, (index) => `{${"a".repeat(9_000)}${index}}`],
  [2_500, (index) => `{a${index}:__typename}`],
  [400, (index) => `{me{id ${"id ".repeat(240)}}}#${index}`],
  [
    700,
    (index) => `mutation{${"logout{...F}".repeat(19)}}fragment F on LogoutPayload{revokedSessions}#${index}`,
  ],
  [100, (index) => `{__typename}${"#\n".repeat(900)}#${"long ".repeat(15_000)}${index}`],
];

describe.each(["on", "off"])("with introspection %s", (introspection) => {
  it("any number of different documents fits into a small heap", async () => {
    const gateway = await serve({
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEY: "a secret of thirty-two bytes or more",
      MIGRATE_ON_START: "on",
      INTROSPECTION: introspection,
      NODE_OPTIONS: `--max-old-space-size=${heap}`,
    });
    /** An overloaded machine makes the gateway refuse now and then; every document is answered in the end. */
    const ask = async (query: string): Promise<void> => {
      const body = JSON.stringify({ query });
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body });
      await answer.arrayBuffer();
      if (answer.status === 503) return ask(query);
      expect(answer.status).toBe(200);
    };
    for (const [count, documentOf] of floods)
      for (let index = 0; index < count; index += 50)
        await Promise.all(Array.from({ length: 50 }, (_, offset) => ask(documentOf(index + offset))));
    gateway.child.kill("SIGTERM");
    expect(await gateway.exit).toMatchObject({ code: 0 });
  }, 600_000);
});
