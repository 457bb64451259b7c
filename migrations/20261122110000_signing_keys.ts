import { Migration } from "@mikro-orm/migrations";

/** The keys that sign tokens. Every change is told to all replicas, whoever makes it. */
export class SigningKeys extends Migration {
  override up(): void {
    this.addSql(`
      create table signing_keys (
        kid text primary key,
        public_jwk jsonb not null,
        sealed_private_key text null,
        created_at timestamptz not null default now(),
        signs_from timestamptz not null,
        published_until timestamptz null
      )`);
    this.addSql(`
      create function notify_signing_keys() returns trigger language plpgsql as $$
      begin
        perform pg_notify('gatehouse_signing_keys', '');
        return null;
      end $$`);
    this.addSql(`
      create trigger signing_keys_changed after insert or update or delete on signing_keys
      for each statement execute function notify_signing_keys()`);
  }

  override down(): void {
    this.addSql(`drop table signing_keys`);
    this.addSql(`drop function notify_signing_keys`);
  }
}
