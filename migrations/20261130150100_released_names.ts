import { Migration } from "@mikro-orm/migrations";

/** Names that accounts gave up: for a while they are given to nobody else. */
export class ReleasedNames extends Migration {
  override up(): void {
    // `key` is a digest, so that the table tells nothing of deleted accounts. Of those `user_id` is null.
    this.addSql(`
      create table released_names (
        kind text not null,
        key text not null,
        user_id uuid null
          constraint released_names_user_id_foreign references users (id) on delete set null,
        released_at timestamptz not null default now(),
        primary key (kind, key)
      )`);
    this.addSql(`create index released_names_user_id_index on released_names (user_id)`);
    this.addSql(`create index released_names_released_at_index on released_names (released_at)`);
    this.addSql(`
      create function gatehouse_name_digest(key text) returns text language sql immutable as $$
        select encode(sha256(convert_to(key, 'UTF8')), 'hex')
      $$`);
    // A trigger, so that every way of giving a name up counts, SQL by hand and the previous release included. The last
    // twenty of a user are kept, so that nobody reserves names without end.
    this.addSql(`
      create function gatehouse_names_released() returns trigger language plpgsql as $$
      begin
        insert into released_names as r (kind, key, user_id, released_at)
        select kind, key, case tg_op when 'UPDATE' then old.id end, clock_timestamp()
        from (values
          ('email', gatehouse_name_digest(old.email_key), gatehouse_name_digest(new.email_key)),
          ('username', gatehouse_name_digest(old.username_key), gatehouse_name_digest(new.username_key))
        ) as name (kind, key, kept)
        where key is distinct from kept
        on conflict on constraint released_names_pkey do update
          set user_id = excluded.user_id, released_at = excluded.released_at;
        delete from released_names where (kind, key) in (
          select kind, key from released_names where user_id = old.id order by released_at desc offset 20
        );
        return null;
      end $$`);
    this.addSql(`
      create trigger users_names_released after update on users for each row
      when (old.email <> new.email or old.username <> new.username) execute function gatehouse_names_released()`);
    this.addSql(`
      create trigger users_deleted_names_released after delete on users for each row
      execute function gatehouse_names_released()`);
    // Called when the names are written: whoever waited for another transaction at the unique index of users sees here
    // what that one released. A key that is null is not asked for.
    this.addSql(`
      create function gatehouse_claim_names(owner uuid, email_key text, username_key text, reuse_after float8)
      returns boolean language plpgsql as $$
      declare
        keys text[] := array[gatehouse_name_digest(email_key), gatehouse_name_digest(username_key)];
      begin
        if exists (
          select from released_names
          where ((kind = 'email' and key = keys[1]) or (kind = 'username' and key = keys[2]))
            and user_id is distinct from owner
            and released_at > clock_timestamp() - make_interval(secs => reuse_after)
        ) then
          raise exception 'another account released a name of these too recently' using errcode = 'unique_violation';
        end if;
        delete from released_names
        where (kind = 'email' and key = keys[1]) or (kind = 'username' and key = keys[2]);
        return true;
      end $$`);
  }

  override down(): void {
    this.addSql(`drop trigger users_deleted_names_released on users`);
    this.addSql(`drop trigger users_names_released on users`);
    this.addSql(`drop function gatehouse_names_released()`);
    this.addSql(`drop function gatehouse_claim_names(uuid, text, text, float8)`);
    this.addSql(`drop function gatehouse_name_digest(text)`);
    this.addSql(`drop table released_names`);
  }
}
