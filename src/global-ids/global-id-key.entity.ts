import { defineEntity, p } from "@mikro-orm/core";

const GlobalIdKeySchema = defineEntity({
  name: "GlobalIdKey",
  tableName: "global_id_keys",
  properties: {
    secret: p.uuid().primary().defaultRaw("gen_random_uuid()").hidden(),
  },
});

/** The one secret that hides row numbers in ids; its migration makes it. */
export class GlobalIdKey extends GlobalIdKeySchema.class {}
GlobalIdKeySchema.setClass(GlobalIdKey);
