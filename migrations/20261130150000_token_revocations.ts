import { Migration } from "@mikro-orm/migrations";

/** One entry for the end of all sessions of a user, in place of one per session. */
export class TokenRevocations extends Migration {
  override up(): void {
    // `subject` is a user's id, or 'all'. Access tokens that were issued before the moment, a whole second, are refused.
    this.addSql(`
      create table token_revocations (
        subject text primary key,
        issued_before timestamptz not null,
        revoked_at timestamptz not null default now()
      )`);
    this.addSql(`create index token_revocations_revoked_at_index on token_revocations (revoked_at)`);
    // False where an entry of token_revocations says the same. The previous release lists these sessions one by one.
    this.addSql(`alter table session_revocations add column listed boolean not null default true`);
    // Ends all sessions of a user, in the order of their ids, as every sign-out locks them. Up to a hundred are listed one
    // by one as well, for verifiers of the previous release. The entry's moment lies after every token of these sessions.
    this.addSql(`
      create function gatehouse_end_user_sessions(owner uuid, reason text) returns setof uuid language plpgsql as $$
      declare
        ended uuid[];
        newest timestamptz;
      begin
        perform pg_catalog.set_config('gatehouse.ending_user', owner::text, true);
        with live as (
          select id from sessions
          where user_id = owner and revoked_at is null and refresh_expires_at > now()
          order by id for update
        ), revoked as (
          update sessions s set revoked_at = now(), revoked_reason = reason
          from live where s.id = live.id
          returning s.id, s.rotated_at
        )
        select array_agg(id), max(rotated_at) into ended, newest from revoked;
        perform pg_catalog.set_config('gatehouse.ending_user', '', true);
        if ended is null then return; end if;
        insert into token_revocations as t (subject, issued_before, revoked_at)
        values (owner::text, date_trunc('second', greatest(clock_timestamp(), newest)) + interval '1 second', clock_timestamp())
        on conflict (subject) do update
          set issued_before = greatest(t.issued_before, excluded.issued_before), revoked_at = excluded.revoked_at;
        if cardinality(ended) <= 100 then
          update session_revocations set listed = true where session_id = any(ended);
        end if;
        perform pg_catalog.pg_notify('gatehouse_session_ended', '');
        perform pg_catalog.pg_notify('gatehouse_forget', owner::text);
        raise info using message = 'gatehouse_forget', detail = owner::text;
        return query select unnest(ended);
      end $$`);
    this.addSql(`
      create or replace function gatehouse_session_ended() returns trigger language plpgsql as $$
      declare
        alone boolean := pg_catalog.current_setting('gatehouse.ending_user', true) is distinct from old.user_id::text;
      begin
        insert into session_revocations (session_id, revoked_at, listed) values (old.id, clock_timestamp(), alone)
        on conflict (session_id) do update set revoked_at = excluded.revoked_at, listed = excluded.listed;
        if alone then perform pg_catalog.pg_notify('gatehouse_session_ended', old.id::text); end if;
        return null;
      end $$`);
    // When a user's sessions end together, the notice of the user stands for those of the sessions.
    this.addSql(`
      create or replace function gatehouse_forget() returns trigger language plpgsql as $$
      declare
        told int;
        whom text := '*';
      begin
        if tg_op <> 'TRUNCATE' then
          if tg_table_name = 'sessions' then
            if pg_catalog.current_setting('gatehouse.ending_user', true) = old.user_id::text then return null; end if;
          end if;
          told := coalesce(nullif(pg_catalog.current_setting('gatehouse.told_to_forget', true), ''), '0');
          if told = 1001 then return null; end if;
          perform pg_catalog.set_config('gatehouse.told_to_forget', least(told + 1, 1001)::text, true);
          if told < 1000 then whom := old.id; end if;
        end if;
        perform pg_catalog.pg_notify('gatehouse_forget', whom);
        raise info using message = 'gatehouse_forget', detail = whom;
        return null;
      end $$`);
    this.addSql(`
      create or replace function gatehouse_user_deactivated() returns trigger language plpgsql as $$
      begin
        perform gatehouse_end_user_sessions(new.id, 'user_deactivated');
        return null;
      end $$`);
    // Tokens have whole seconds: those of a session that begins in the second of the entry are dated to its moment.
    this.addSql(
      openSession(
        "greatest(now(), (select max(issued_before) from token_revocations where subject in (owner::text, 'all')))",
      ),
    );
  }

  override down(): void {
    this.addSql(openSession("now()"));
    this.addSql(`
      create or replace function gatehouse_user_deactivated() returns trigger language plpgsql as $$
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
      create or replace function gatehouse_forget() returns trigger language plpgsql as $$
      declare
        told int;
        whom text := '*';
      begin
        if tg_op <> 'TRUNCATE' then
          told := coalesce(nullif(pg_catalog.current_setting('gatehouse.told_to_forget', true), ''), '0');
          if told = 1001 then return null; end if;
          perform pg_catalog.set_config('gatehouse.told_to_forget', least(told + 1, 1001)::text, true);
          if told < 1000 then whom := old.id; end if;
        end if;
        perform pg_catalog.pg_notify('gatehouse_forget', whom);
        raise info using message = 'gatehouse_forget', detail = whom;
        return null;
      end $$`);
    this.addSql(`
      create or replace function gatehouse_session_ended() returns trigger language plpgsql as $$
      begin
        insert into session_revocations (session_id, revoked_at) values (old.id, clock_timestamp())
        on conflict (session_id) do update set revoked_at = excluded.revoked_at;
        perform pg_notify('gatehouse_session_ended', old.id::text);
        return null;
      end $$`);
    this.addSql(`drop function gatehouse_end_user_sessions(uuid, text)`);
    this.addSql(`alter table session_revocations drop column listed`);
    this.addSql(`drop table token_revocations`);
  }
}

/** As before, but for when the first tokens of a session are dated. */
function openSession(issuedAt: string): string {
  return `
      create or replace function gatehouse_open_session(
        session_id uuid, owner uuid, most_sessions int, refresh_lifetime float8, lifetime float8, client_ip text, agent text,
        out refresh_generation int, out rotated_at timestamptz, out refresh_expires_at timestamptz, out ended uuid[]
      ) language plpgsql as $$
      begin
        with excess as (
          select s.id from sessions s
          where s.revoked_at is null and s.id in (
            select id from sessions where user_id = owner and revoked_at is null and expires_at > now()
            order by created_at desc, id desc offset most_sessions - 1
          )
          order by s.id for update
        ), revoked as (
          update sessions s set revoked_at = now(), revoked_reason = 'too_many_sessions'
          from excess where s.id = excess.id
          returning s.id
        )
        select array_agg(id order by id) into ended from revoked;
        insert into sessions as s (id, user_id, rotated_at, refresh_expires_at, expires_at, ip, user_agent)
        values (session_id, owner, ${issuedAt}, now() + make_interval(secs => refresh_lifetime),
          now() + make_interval(secs => lifetime), client_ip, agent)
        returning s.refresh_generation, s.rotated_at, s.refresh_expires_at
        into refresh_generation, rotated_at, refresh_expires_at;
      end $$`;
}
