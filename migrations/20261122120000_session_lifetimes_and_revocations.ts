import { Migration } from "@mikro-orm/migrations";

/** Sessions with an idle and an absolute end, and the list of those that ended before their time. */
export class SessionLifetimesAndRevocations extends Migration {
  override up(): void {
    this.addSql(`alter table sessions add column refresh_expires_at timestamptz null`);
    this.addSql(`update sessions set refresh_expires_at = expires_at`);
    this.addSql(`alter table sessions alter column refresh_expires_at set not null`);
    this.addSql(`drop index sessions_user_id_index`);
    this.addSql(`create index sessions_user_id_id_index on sessions (user_id, id)`);
    this.addSql(`create index sessions_refresh_expires_at_index on sessions (refresh_expires_at)`);
    this.addSql(`create index sessions_expires_at_index on sessions (expires_at)`);
    this.addSql(`create index sessions_revoked_at_index on sessions (revoked_at)`);
    this.addSql(`
      create table session_revocations (
        session_id uuid primary key,
        revoked_at timestamptz not null
      )`);
    this.addSql(`create index session_revocations_revoked_at_index on session_revocations (revoked_at)`);
    this.addSql(`
      insert into session_revocations (session_id, revoked_at)
      select id, revoked_at from sessions where revoked_at > now() - interval '1 day'`);
    // Triggers, so that every way of ending a session counts, SQL by hand too. A transaction may have begun long ago.
    this.addSql(`
      create function gatehouse_session_ended() returns trigger language plpgsql as $$
      begin
        insert into session_revocations (session_id, revoked_at) values (old.id, clock_timestamp())
        on conflict (session_id) do update set revoked_at = excluded.revoked_at;
        perform pg_notify('gatehouse_session_ended', old.id::text);
        return null;
      end $$`);
    this.addSql(`
      create trigger sessions_revoked after update of revoked_at on sessions for each row
      when (old.revoked_at is null and new.revoked_at is not null) execute function gatehouse_session_ended()`);
    // What can no longer have a good token, or ended unused a day ago, is removed in silence.
    this.addSql(`
      create trigger sessions_deleted after delete on sessions for each row
      when (old.revoked_at is null and old.refresh_expires_at > now() and old.expires_at > now() - interval '1 day')
      execute function gatehouse_session_ended()`);
    // In the order of the ids, as every sign-out locks them.
    this.addSql(`
      create function gatehouse_user_deactivated() returns trigger language plpgsql as $$
      begin
        with live as (
          select id from sessions
          where user_id = new.id and revoked_at is null and refresh_expires_at > now()
          order by id for update
        )
        update sessions s set revoked_at = now(), revoked_reason = 'user_deactivated'
        from live where s.id = live.id;
        return null;
      end $$`);
    this.addSql(`
      create trigger users_deactivated after update of is_active on users for each row
      when (old.is_active and not new.is_active) execute function gatehouse_user_deactivated()`);
  }

  override down(): void {
    this.addSql(`drop trigger users_deactivated on users`);
    this.addSql(`drop trigger sessions_deleted on sessions`);
    this.addSql(`drop trigger sessions_revoked on sessions`);
    this.addSql(`drop function gatehouse_user_deactivated()`);
    this.addSql(`drop function gatehouse_session_ended()`);
    this.addSql(`drop table session_revocations`);
    this.addSql(`drop index sessions_revoked_at_index`);
    this.addSql(`drop index sessions_expires_at_index`);
    this.addSql(`drop index sessions_refresh_expires_at_index`);
    this.addSql(`drop index sessions_user_id_id_index`);
    this.addSql(`create index sessions_user_id_index on sessions (user_id)`);
    // Without idle time a session lasts as long as its refresh token, unless idle time has ended it already.
    this.addSql(`update sessions set expires_at = refresh_expires_at where expires_at > now()`);
    this.addSql(`alter table sessions drop column refresh_expires_at`);
  }
}
