import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import type { PasswordHasher } from "../security/password-hasher.ts";

// Salt and digest taken out, hashes of one kind are the same text. The commonest kinds come first.
const otherKinds = `
  select min(password_hash) as sample from users where not starts_with(password_hash, ?)
  group by regexp_replace(password_hash, '\\$[A-Za-z0-9+/.]{11,}=*', '', 'g')
  order by count(*) desc limit 100`;

/** Tells the hasher which kinds of hashes accounts have, so that a refusal takes the same time for all of them. */
export class StoredHashKinds {
  private readonly em: EntityManager;
  private readonly hasher: PasswordHasher;
  private readonly logger: Pick<Logger, "warn">;

  constructor(em: EntityManager, hasher: PasswordHasher, logger: Pick<Logger, "warn">) {
    this.em = em;
    this.hasher = hasher;
    this.logger = logger;
  }

  /** One look at all accounts. Should it fail, the hasher learns of each kind by the first sign-in that meets it. */
  async start(): Promise<void> {
    try {
      const rows = await this.em.fork().execute<{ sample: string }[]>(otherKinds, [this.hasher.presentStart]);
      for (const { sample } of rows) this.hasher.learn(sample);
    } catch (err) {
      this.logger.warn({ err }, "the kinds of password hashes were not looked at");
    }
  }
}
