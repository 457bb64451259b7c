import { Migration } from "@mikro-orm/migrations";

/** What a sign-in does with sessions, so that it can do it in one statement. */
export class OpenSession extends Migration {
  override up(): void {
    // A function, because each statement in it sees what was committed before that statement began: of several sign-ins
    // at once, which wait for each other at the row of their user, each counts those before it. The rows of sessions are
    // locked in the order of their ids, as every sign-out locks them.
    this.addSql(`
      create function gatehouse_open_session(
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
        insert into sessions as s (id, user_id, refresh_expires_at, expires_at, ip, user_agent)
        values (session_id, owner, now() + make_interval(secs => refresh_lifetime),
          now() + make_interval(secs => lifetime), client_ip, agent)
        returning s.refresh_generation, s.rotated_at, s.refresh_expires_at
        into refresh_generation, rotated_at, refresh_expires_at;
      end $$`);
  }

  override down(): void {
    this.addSql(`drop function gatehouse_open_session(uuid, uuid, int, float8, float8, text, text)`);
  }
}
