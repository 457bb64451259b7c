import { Migration } from "@mikro-orm/migrations";

/** Keys in which names are unique whatever the locale of the database is. See docs/decisions/0026-name-keys.md. */
export class NameKeys extends Migration {
  override up(): void {
    this.addSql(foldCaseFunction());
    // The same as usernameKey in src/text/username-key.ts.
    this.addSql(`
      create function gatehouse_username_key(username text) returns text language sql immutable as $$
        select case when octet_length(username) = length(username) then lower(username collate "C")
          else normalize(gatehouse_fold_case(normalize(gatehouse_fold_case(normalize(username, NFD)), NFKC)), NFKC) end
      $$`);
    // Other domains take UTS 46, and the start of the gateway gives those emails their key.
    this.addSql(`
      create function gatehouse_email_key(email text) returns text language sql immutable as $$
        select case when octet_length(email) = length(email) and email !~ '["[]|[xX][nN]--' then lower(email collate "C")
          else 'TYPED ' || email end
      $$`);
    this.addSql(`
      alter table users add column email_key text collate "C" null, add column username_key text collate "C" null`);
    this.addSql(`
      update users set email_key = gatehouse_email_key(email), username_key = gatehouse_username_key(username)`);
    // Of several accounts with one key the oldest gets it; the others are found by their own spelling.
    for (const keepOldest of oldestKept) this.addSql(keepOldest);
    this.addSql(
      `alter table users alter column email_key set not null, alter column username_key set not null`,
    );
    this.addSql(`create unique index users_email_key_unique on users (email_key)`);
    this.addSql(`create unique index users_username_key_unique on users (username_key)`);
    // The previous release looks names up by these expressions. They are unique no longer: in some locales names have the
    // same lower case that have different keys.
    this.addSql(`create index users_lower_email_index on users (lower(email))`);
    this.addSql(`create index users_lower_username_index on users (lower(normalize(username, NFKC)))`);
    this.addSql(`drop index users_email_key, users_username_key`);
    // For the previous release, which writes names without keys.
    this.addSql(`
      create function gatehouse_fill_name_keys() returns trigger language plpgsql as $$
      begin
        if new.email_key is null
          or (tg_op = 'UPDATE' and new.email <> old.email and new.email_key = old.email_key)
        then new.email_key := gatehouse_email_key(new.email); end if;
        if new.username_key is null
          or (tg_op = 'UPDATE' and new.username <> old.username and new.username_key = old.username_key)
        then new.username_key := gatehouse_username_key(new.username); end if;
        return new;
      end $$`);
    this.addSql(`
      create trigger users_name_keys_filled before insert or update of email, username on users
      for each row execute function gatehouse_fill_name_keys()`);
    // For bulk loads, too, which turn other triggers off.
    this.addSql(`alter table users enable always trigger users_name_keys_filled`);
  }

  override down(): void {
    this.addSql(`drop trigger users_name_keys_filled on users`);
    this.addSql(`drop index users_lower_email_index, users_lower_username_index`);
    this.addSql(`create unique index users_email_key on users (lower(email))`);
    this.addSql(`create unique index users_username_key on users (lower(normalize(username, NFKC)))`);
    this.addSql(`alter table users drop column email_key, drop column username_key`);
    this.addSql(`drop function gatehouse_fill_name_keys()`);
    this.addSql(`drop function gatehouse_email_key(text)`);
    this.addSql(`drop function gatehouse_username_key(text)`);
    this.addSql(`drop function gatehouse_fold_case(text)`);
  }
}

const oldestKept = ["email", "username"].map(
  (name) => `
    update users u set ${name}_key = 'TYPED ' || ${name}
    from (select id, row_number() over (partition by ${name}_key order by created_at, id) as place from users) ranked
    where ranked.id = u.id and ranked.place > 1`,
);

/** Full case folding in SQL, with the tables of this runtime. PostgreSQL has a function for it from version 18 on only. */
function foldCaseFunction(): string {
  const foldings = caseFoldings();
  const one = foldings.filter(([, folded]) => Array.from(folded).length === 1);
  const several = foldings.filter(([, folded]) => Array.from(folded).length > 1);
  const from = one.map(([character]) => character).join("");
  const to = one.map(([, folded]) => folded).join("");
  const replaced = several.reduce(
    (expression, [character, folded]) => `replace(${expression}, '${character}', '${folded}')`,
    `translate(name, '${from}', '${to}')`,
  );
  return `
    create function gatehouse_fold_case(name text) returns text language sql immutable as $$ select ${replaced} $$`;
}

function caseFoldings(): [character: string, folded: string][] {
  const characters = Array.from({ length: 0x20_000 }, (_, point) => String.fromCodePoint(point));
  return characters
    .filter((character) => /^\p{Changes_When_Casefolded}$/u.test(character))
    .map((character) => [
      character,
      /\p{Script=Cherokee}/u.test(character)
        ? character.toUpperCase()
        : character.toLowerCase().toUpperCase().toLowerCase(),
    ]);
}
