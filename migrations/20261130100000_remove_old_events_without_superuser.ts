import { Migration } from "@mikro-orm/migrations";

/**
 * Replaces the function that removes old events by one that an ordinary owner can create and restore. Earlier versions of
 * `20261122130000_auth_events` attached a custom setting to it: pg_restore by an ordinary owner skipped the function.
 */
export class RemoveOldEventsWithoutSuperuser extends Migration {
  override up(): void {
    this.addSql(`
      create or replace function gatehouse_remove_old_events(retention float8, batch_size int) returns setof bigint
      language plpgsql security definer as $$
      begin
        perform pg_catalog.set_config('gatehouse.removes_old_events', 'on', true);
        return query
          with removed as (
            delete from auth_events where id = any(array(
              select id from auth_events where occurred_at < now() - make_interval(secs => greatest(retention, 86400))
              order by occurred_at limit batch_size for update skip locked
            )) returning id
          )
          select id from removed;
        perform pg_catalog.set_config('gatehouse.removes_old_events', '', true);
      end $$`);
    this.addSql(`revoke execute on function gatehouse_remove_old_events(float8, int) from public`);
    this.addSql(`
      do $$ begin
        execute format('alter function gatehouse_remove_old_events(float8, int) set search_path = %I, pg_temp',
          current_schema());
      end $$`);
  }

  /** Both forms of the function do the same, and the previous release calls either. */
  override down(): void {}
}
