import { Migration } from "@mikro-orm/migrations";

/** The secret that hides row numbers in ids of the API. It stays the same for ever, so that the ids do. */
export class GlobalIdKeys extends Migration {
  override up(): void {
    this.addSql(`create table global_id_keys (secret uuid primary key default gen_random_uuid())`);
    this.addSql(`insert into global_id_keys default values`);
  }

  override down(): void {
    this.addSql(`drop table global_id_keys`);
  }
}
