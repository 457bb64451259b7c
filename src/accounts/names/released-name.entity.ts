import { defineEntity, p } from "@mikro-orm/core";
import { User } from "../user.entity.ts";

const ReleasedNameSchema = defineEntity({
  name: "ReleasedName",
  tableName: "released_names",
  properties: {
    /** "email" or "username". */
    kind: p.text().primary(),
    /** A digest of the form in which names are unique. */
    key: p.text().primary(),
    /** The account that may take it back; null once it is deleted. */
    user: () =>
      p.manyToOne(User).ref().nullable().deleteRule("set null").index("released_names_user_id_index"),
    releasedAt: p.datetime().defaultRaw("now()").index("released_names_released_at_index"),
  },
});

/** A name that an account gave up. Triggers write it. */
export class ReleasedName extends ReleasedNameSchema.class {}
ReleasedNameSchema.setClass(ReleasedName);
