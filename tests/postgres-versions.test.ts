import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { objectDifferences, schemaDifference } from "../src/persistence/migrations.ts";
import { asOwner, databaseUrl, owner, query } from "./support/database.ts";
import { startGateway } from "./support/gateway.ts";
import { installedVersions, startInstalledPostgres } from "./support/installed-postgres.ts";
import type { InstalledPostgres } from "./support/installed-postgres.ts";
import { liveThroughSession } from "./support/whole-session.ts";

const locales = {
  C: "locale_provider libc locale 'C'",
  "en_US.UTF-8": "locale_provider libc locale 'en_US.UTF-8'",
  "ICU tr-TR": "locale_provider icu icu_locale 'tr-TR' locale 'C'",
};

const servers = [
  {
    version: "embedded",
    start: () => Promise.resolve({ url: databaseUrl("postgres"), stop: async () => {} }),
  },
  ...installedVersions().map((version) => ({ version, start: () => startInstalledPostgres(version) })),
];
if (servers.length === 1)
  console.warn("skipped: no PostgreSQL of Debian is here; only the embedded one is tried");

describe.each(servers)("PostgreSQL $version", ({ version, start }) => {
  let server: InstalledPostgres;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());

  it.each(Object.entries(locales))(
    "serves an ordinary owner of a database in the locale %s",
    async (locale, options) => {
      const name = `locale_${locale.replaceAll(/\W/g, "").toLowerCase()}`;
      try {
        await query(
          server.url,
          `create database ${name} template template0 encoding 'UTF8' ${options} owner ${owner}`,
        );
      } catch (error) {
        if (!(error as Error).message.includes("locale")) throw error;
        console.warn(`skipped: PostgreSQL ${version} has no locale ${locale}: ${(error as Error).message}`);
        return;
      }
      const [role] = await query(
        server.url,
        "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = $1",
        [owner],
      );
      expect(role).toEqual({ rolsuper: false, rolcreatedb: false, rolcreaterole: false });
      const url = new URL(asOwner(server.url));
      url.pathname = `/${name}`;

      const gateway = await startGateway({ DATABASE_URL: url.href });
      await liveThroughSession(gateway, gateway);
      await query(
        url.href,
        "insert into auth_events (type, outcome, occurred_at) values ('SIGNED_IN', 'success', now() - interval '3 years')",
      );
      await gateway.app.removal.removeBatch();
      expect(
        await query(url.href, "select from auth_events where occurred_at < now() - interval '1 day'"),
      ).toEqual([]);
      expect(gateway.log.join("\n")).not.toContain("clean-up job failed");
      expect(await objectDifferences(gateway.app.orm)).toEqual([]);
      expect(await schemaDifference(gateway.app.orm)).toBe("");
      await gateway.close();
      await query(server.url, `drop database ${name} with (force)`);
    },
  );
});
