import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import { namedStatement } from "../../database/named-statement.ts";
import { emailKey } from "../../text/email-key.ts";
import { usernameKey } from "../../text/username-key.ts";

interface Wanted {
  ids: string[];
  keys: string[];
}

/** An account whose name is the name of another account, but for the spelling. */
export interface NameCollision {
  column: "email" | "username";
  id: string;
  name: string;
  otherId: string;
  otherName: string;
}

type Collision = Omit<NameCollision, "column">;

/** Few enough that no statement takes long. */
const batchSize = 500;
const beforeAll = "00000000-0000-0000-0000-000000000000";

/** A range of the unique index: the keys of `keyAsTyped`. */
const storedAsTyped = (column: string) => `
  select id, ${column} as name from users
  where ${column}_key >= 'TYPED ' and ${column}_key < 'TYPED!' and id > :after order by id limit ${batchSize}`;

// Of several accounts for one key the oldest gets it.
const giveKeys = (column: string) => `
  update users u set ${column}_key = wanted.key
  from (
    select distinct on (key) id, key from unnest(:ids::uuid[], :keys::text[]) given (id, key) join users using (id)
    order by key, created_at, id
  ) wanted
  where u.id = wanted.id and not exists (select from users other where other.${column}_key = wanted.key)`;

const collisions = (column: string) => `
  select u.id, u.${column} as name, other.id as "otherId", other.${column} as "otherName"
  from unnest(:ids::uuid[], :keys::text[]) wanted (id, key)
  join users u on u.id = wanted.id join users other on other.${column}_key = wanted.key and other.id <> u.id
  order by u.id`;

const repairs = [
  {
    column: "email",
    keyOf: emailKey,
    stored: namedStatement<{ id: string; name: string }, { after: string }>({
      name: "emails as typed",
      text: storedAsTyped("email"),
    }),
    give: namedStatement<never, Wanted>({ name: "email keys", text: giveKeys("email") }),
    collisions: namedStatement<Collision, Wanted>({ name: "email collisions", text: collisions("email") }),
  },
  {
    column: "username",
    keyOf: usernameKey,
    stored: namedStatement<{ id: string; name: string }, { after: string }>({
      name: "usernames as typed",
      text: storedAsTyped("username"),
    }),
    give: namedStatement<never, Wanted>({ name: "username keys", text: giveKeys("username") }),
    collisions: namedStatement<Collision, Wanted>({
      name: "username collisions",
      text: collisions("username"),
    }),
  },
] as const;

/**
 * Gives the folded key to accounts that only their own spelling finds, unless another account has it: SQL cannot compute
 * all keys, and a name may have become free. Costs next to nothing when there are no such accounts.
 * @returns the accounts that remain so
 */
export async function repairNameKeys(em: EntityManager): Promise<NameCollision[]> {
  const found: NameCollision[] = [];
  for (const { column, keyOf, stored, give, collisions: collide } of repairs) {
    let rows = await stored(em, { after: beforeAll });
    while (rows.length > 0) {
      const ids = rows.map(({ id }) => id);
      const wanted = { ids, keys: rows.map(({ name }) => keyOf(name)) };
      await give(em, wanted);
      found.push(...(await collide(em, wanted)).map((collision) => ({ column, ...collision })));
      rows = await stored(em, { after: ids.at(-1) ?? beforeAll });
    }
  }
  return found;
}

/** As the gateway starts. The log gets the ids only. */
export async function repairNameKeysOnStart(em: EntityManager, logger: Pick<Logger, "warn">): Promise<void> {
  try {
    for (const { column, id, otherId } of await repairNameKeys(em))
      logger.warn({ userId: id, otherUserId: otherId }, `two accounts have one ${column} in two spellings`);
  } catch (err) {
    logger.warn({ err }, "the keys of names could not be repaired: the next start tries again");
  }
}
