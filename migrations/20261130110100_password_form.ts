import { Migration } from "@mikro-orm/migrations";

/** Marks the hashes that are made of a password's normal form; null where it was hashed as typed. */
export class PasswordForm extends Migration {
  override up(): void {
    this.addSql(`alter table users add column password_form text null`);
  }

  override down(): void {
    this.addSql(`alter table users drop column password_form`);
  }
}
