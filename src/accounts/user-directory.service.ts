import type { EntityManager } from "@mikro-orm/postgresql";
import DataLoader from "dataloader";
import { namedStatement } from "../database/named-statement.ts";
import type { UserType } from "./user.type.ts";
import { isUuid } from "../security/uuid.ts";

/** What everybody may see of a user. */
export type PublicUser = Pick<UserType, "id" | "username">;

const publicUsers = namedStatement<PublicUser, { ids: readonly string[] }>({
  name: "public-users",
  text: "select id, username from users where id = any(:ids::uuid[])",
});

/** Users by id, as everybody may see them. */
export class UserDirectory {
  private readonly em: EntityManager;
  private readonly loaders = new WeakMap<object, DataLoader<string, PublicUser | null>>();

  constructor(em: EntityManager) {
    this.em = em;
  }

  /**
   * One query answers all that one request asks for at a time.
   * @param id in any case; null is the answer for what is no UUID, too
   * @param request what stands for the request: users are looked up once in it
   */
  async find(id: string, request: object): Promise<PublicUser | null> {
    const key = id.toLowerCase();
    if (!isUuid(key)) return null;
    let loader = this.loaders.get(request);
    if (loader === undefined) {
      loader = new DataLoader((ids) => this.findAll(ids));
      this.loaders.set(request, loader);
    }
    return loader.load(key);
  }

  private async findAll(ids: readonly string[]): Promise<(PublicUser | null)[]> {
    const users = new Map((await publicUsers(this.em, { ids })).map((user) => [user.id, user]));
    return ids.map((id) => users.get(id) ?? null);
  }
}
