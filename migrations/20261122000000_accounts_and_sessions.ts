import { Migration } from "@mikro-orm/migrations";

/** Accounts and their sessions. */
export class AccountsAndSessions extends Migration {
  override up(): void {
    this.addSql(`
      create table users (
        id uuid primary key,
        email text not null,
        username text not null,
        password_hash text not null,
        bio text null,
        full_name text null,
        birth_date date null,
        is_active boolean not null default true,
        is_staff boolean not null default false,
        is_superuser boolean not null default false,
        last_login_at timestamptz null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    this.addSql(`create unique index users_email_key on users (lower(email))`);
    this.addSql(`create unique index users_username_key on users (lower(normalize(username, NFKC)))`);
    this.addSql(`
      create table sessions (
        id uuid primary key,
        user_id uuid not null
          constraint sessions_user_id_foreign references users (id) on delete cascade,
        refresh_generation int not null default 0,
        rotated_at timestamptz not null default now(),
        created_at timestamptz not null default now(),
        authenticated_at timestamptz not null default now(),
        last_used_at timestamptz not null default now(),
        expires_at timestamptz not null,
        revoked_at timestamptz null,
        revoked_reason text null,
        ip text null,
        user_agent text null
      )`);
    this.addSql(`create index sessions_user_id_index on sessions (user_id)`);
  }

  override down(): void {
    this.addSql(`drop table sessions`);
    this.addSql(`drop table users`);
  }
}
