import type { EntityManager } from "@mikro-orm/postgresql";
import { SealedIds } from "../security/sealed-ids.ts";
import { GlobalIdKey } from "./global-id-key.entity.ts";

/** Ids of the API for numbered rows; see docs/decisions/0029. */
export class GlobalIds {
  private readonly em: EntityManager;
  private readonly prefix: string;
  private ids: Promise<SealedIds> | undefined;

  /** @param prefix the name of the type in snake case */
  constructor(em: EntityManager, prefix: string) {
    this.em = em;
    this.prefix = prefix;
  }

  /** The secret is read once, when an id is first needed. */
  load(): Promise<SealedIds> {
    return (this.ids ??= this.read().catch((error: unknown) => {
      this.ids = undefined;
      throw error;
    }));
  }

  private async read(): Promise<SealedIds> {
    const [key] = await this.em.fork().findAll(GlobalIdKey, { limit: 1 });
    if (key === undefined)
      throw new Error("The table global_id_keys is empty: restore its row from a backup.");
    return new SealedIds(this.prefix, key.secret);
  }
}
