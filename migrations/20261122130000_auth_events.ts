import { Migration } from "@mikro-orm/migrations";

/** What happened to accounts, sessions and keys: written once, and removed by age alone. */
export class AuthEvents extends Migration {
  override up(): void {
    this.addSql(`
      create table auth_events (
        id bigint generated always as identity primary key,
        occurred_at timestamptz not null default now(),
        type text not null,
        outcome text not null,
        cause text null,
        user_id uuid null,
        session_id uuid null,
        key_id text null,
        ip text null,
        user_agent text null,
        actor text not null default 'user'
      )`);
    this.addSql(`create index auth_events_user_id_id_index on auth_events (user_id, id desc)`);
    this.addSql(`create index auth_events_occurred_at_index on auth_events (occurred_at)`);
    // Whether somebody has signed in from an address before is asked at every sign-in; failures must not slow it down.
    this.addSql(`
      create index auth_events_signed_in_index on auth_events (user_id, id desc) include (ip)
      where type = 'SIGNED_IN' and outcome = 'success'`);
    this.addSql(`
      create function gatehouse_auth_events_stay() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' and current_setting('gatehouse.removes_old_events', true) = 'on' then
          return null;
        end if;
        raise exception 'auth_events is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
      end $$`);
    this.addSql(`
      create trigger auth_events_stay before update or delete or truncate on auth_events
      for each statement execute function gatehouse_auth_events_stay()`);
    // Only a superuser may attach a custom setting to a function, so the function sets it and takes it back. It runs with
    // the rights of its owner, so that the gateway needs none to delete; events younger than a day always stay.
    this.addSql(`
      create function gatehouse_remove_old_events(retention float8, batch_size int) returns setof bigint
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
    // Triggers for what no operation of the API does: an operator does it, by SQL.
    this.addSql(`
      create function gatehouse_account_recorded() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' then
          insert into auth_events (type, outcome, user_id, actor) values ('ACCOUNT_DELETED', 'success', old.id, 'operator');
          return null;
        end if;
        if old.is_active <> new.is_active then
          insert into auth_events (type, outcome, user_id, actor)
          values (case when new.is_active then 'ACCOUNT_REACTIVATED' else 'ACCOUNT_DEACTIVATED' end, 'success', new.id, 'operator');
        end if;
        if tg_op = 'INSERT' or (old.is_staff, old.is_superuser) <> (new.is_staff, new.is_superuser) then
          insert into auth_events (type, outcome, cause, user_id, actor)
          values ('RIGHTS_CHANGED', 'success', case when new.is_superuser then 'NOW_SUPERUSER' when new.is_staff then 'NOW_STAFF'
            else 'NOW_NONE' end, new.id, 'operator');
        end if;
        return null;
      end $$`);
    this.addSql(`
      create trigger users_recorded after update of is_active, is_staff, is_superuser or delete on users
      for each row execute function gatehouse_account_recorded()`);
    this.addSql(`
      create trigger users_made_recorded after insert on users for each row
      when (new.is_staff or new.is_superuser) execute function gatehouse_account_recorded()`);
    this.addSql(`
      create function gatehouse_session_end_recorded() returns trigger language plpgsql as $$
      begin
        insert into auth_events (type, outcome, cause, user_id, session_id, actor)
        values ('SESSION_REVOKED', 'success', case when tg_op = 'DELETE' then 'DELETED'
          when new.revoked_reason = 'user_deactivated' then 'USER_DEACTIVATED' else 'BY_OPERATOR' end,
          old.user_id, old.id, 'operator');
        return null;
      end $$`);
    // The gateway records the ends that it brings about itself, because it knows who asked.
    this.addSql(`
      create trigger sessions_revoked_recorded after update of revoked_at on sessions for each row
      when (old.revoked_at is null and new.revoked_at is not null and coalesce(new.revoked_reason, '') not in (
        'signed_out', 'revoked_by_user', 'password_changed', 'refresh_token_reused', 'too_many_sessions'))
      execute function gatehouse_session_end_recorded()`);
    this.addSql(`
      create trigger sessions_deleted_recorded after delete on sessions for each row
      when (old.revoked_at is null and old.expires_at > now())
      execute function gatehouse_session_end_recorded()`);
    // They mean the table of this schema, not a temporary one by which somebody catches the events of their session.
    this.addSql(`
      do $$
      declare function_name text;
      begin
        foreach function_name in array array['gatehouse_account_recorded()', 'gatehouse_session_end_recorded()',
          'gatehouse_remove_old_events(float8, int)']
        loop
          execute format('alter function %s set search_path = %I, pg_temp', function_name, current_schema());
        end loop;
      end $$`);
  }

  override down(): void {
    this.addSql(`drop trigger sessions_deleted_recorded on sessions`);
    this.addSql(`drop trigger sessions_revoked_recorded on sessions`);
    this.addSql(`drop trigger users_made_recorded on users`);
    this.addSql(`drop trigger users_recorded on users`);
    this.addSql(`drop function gatehouse_remove_old_events(float8, int)`);
    this.addSql(`drop table auth_events`);
    this.addSql(`drop function gatehouse_session_end_recorded()`);
    this.addSql(`drop function gatehouse_account_recorded()`);
    this.addSql(`drop function gatehouse_auth_events_stay()`);
  }
}
