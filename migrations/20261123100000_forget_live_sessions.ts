import { Migration } from "@mikro-orm/migrations";

/** Whoever keeps users and live sessions in memory is told what to forget, in the transaction that changes it. */
export class ForgetLiveSessions extends Migration {
  override up(): void {
    // Other replicas hear it by listening, once it is committed. Who makes the change is told at once: PostgreSQL wakes
    // every connection that listens, so those that make changes must not. After a thousand, all is to be forgotten.
    this.addSql(`
      create function gatehouse_forget() returns trigger language plpgsql as $$
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
    // The conditions cost next to nothing where they do not hold: sign-ins, refreshes and uses change the same tables.
    this.addSql(`
      create trigger users_forgotten after update on users for each row
      when ((old.id, old.email, old.username, old.bio, old.full_name, old.birth_date, old.is_active, old.is_staff,
          old.created_at, old.updated_at)
        is distinct from (new.id, new.email, new.username, new.bio, new.full_name, new.birth_date, new.is_active,
          new.is_staff, new.created_at, new.updated_at))
      execute function gatehouse_forget()`);
    this.addSql(`
      create trigger users_deleted_forgotten after delete on users for each row execute function gatehouse_forget()`);
    this.addSql(`
      create trigger users_truncated_forgotten after truncate on users for each statement
      execute function gatehouse_forget()`);
    this.addSql(`
      create trigger sessions_forgotten after update on sessions for each row
      when (old.revoked_at is null and old.expires_at > now() and (new.revoked_at is not null
        or new.expires_at < old.expires_at
        or (old.id, old.user_id, old.authenticated_at) is distinct from (new.id, new.user_id, new.authenticated_at)))
      execute function gatehouse_forget()`);
    this.addSql(`
      create trigger sessions_deleted_forgotten after delete on sessions for each row
      when (old.revoked_at is null and old.expires_at > now()) execute function gatehouse_forget()`);
    this.addSql(`
      create trigger sessions_truncated_forgotten after truncate on sessions for each statement
      execute function gatehouse_forget()`);
  }

  override down(): void {
    this.addSql(`drop trigger sessions_truncated_forgotten on sessions`);
    this.addSql(`drop trigger sessions_deleted_forgotten on sessions`);
    this.addSql(`drop trigger sessions_forgotten on sessions`);
    this.addSql(`drop trigger users_truncated_forgotten on users`);
    this.addSql(`drop trigger users_deleted_forgotten on users`);
    this.addSql(`drop trigger users_forgotten on users`);
    this.addSql(`drop function gatehouse_forget()`);
  }
}
