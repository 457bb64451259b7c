import { Migration } from "@mikro-orm/migrations";

/**
 * Counts of attempts, in the order of columns that rate-limiter-flexible writes. Unlogged: a count is worth no write to
 * the log of changes, and what a crash of PostgreSQL costs is that counting begins anew.
 */
export class Attempts extends Migration {
  override up(): void {
    // Most writes change `points` alone: with room in the page they touch no index.
    this.addSql(`
      create unlogged table attempts (
        key text primary key,
        points int not null default 0,
        expire bigint not null
      ) with (fillfactor = 70)`);
    this.addSql(`create index attempts_expire_index on attempts (expire)`);
  }

  override down(): void {
    this.addSql(`drop table attempts`);
  }
}
