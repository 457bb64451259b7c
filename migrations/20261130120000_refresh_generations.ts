import { Migration } from "@mikro-orm/migrations";

/** What became of the refresh tokens of a session: needed to tell a lost answer from a stolen token. */
export class RefreshGenerations extends Migration {
  override up(): void {
    // The previous release changes none of these columns. Their defaults, and what it leaves stale, hold for its sessions.
    this.addSql(`
      alter table sessions
        add column superseded_generations int4multirange not null default '{}',
        add column spent_generations jsonb not null default '{}',
        add column used_generation int null`);
    // A function, so that the lookup that calls it writes only where there is something to write. Each statement in it
    // sees what was committed before: a token is either used first, or superseded first. A crash of PostgreSQL may
    // forget the last second of uses, so no request waits for the disk.
    this.addSql(`
      create function gatehouse_use_generation(used_session uuid, used int) returns boolean language plpgsql as $$
      begin
        if pg_catalog.current_setting('transaction_read_only')::boolean then return null; end if;
        perform pg_catalog.set_config('synchronous_commit', 'off', true);
        update sessions set used_generation = used where id = used_session and refresh_generation = used;
        return not exists (select from sessions where id = used_session and superseded_generations @> used);
      end $$`);
  }

  override down(): void {
    this.addSql(`drop function gatehouse_use_generation(uuid, int)`);
    this.addSql(`
      alter table sessions
        drop column superseded_generations,
        drop column spent_generations,
        drop column used_generation`);
  }
}
