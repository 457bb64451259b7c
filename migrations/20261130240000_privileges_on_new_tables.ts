import { Migration } from "@mikro-orm/migrations";

/**
 * Gives the new tables to every role that serves without owning them. Functions and triggers that such roles run write
 * there, so without these privileges the previous release could sign nobody in while both run.
 */
export class PrivilegesOnNewTables extends Migration {
  override up(): void {
    this.addSql(`
      do $$
      declare
        gateway name;
      begin
        for gateway in
          select distinct r.rolname
          from pg_class c cross join aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
          where c.oid = 'sessions'::regclass and a.privilege_type = 'INSERT' and a.grantee <> c.relowner
        loop
          execute format('grant select, insert, update, delete on token_revocations, released_names to %I', gateway);
          execute format('grant select on global_id_keys to %I', gateway);
        end loop;
      end $$`);
  }

  /** The privileges go with the tables. */
  override down(): void {}
}
