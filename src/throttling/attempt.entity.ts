import { defineEntity, p } from "@mikro-orm/core";

const AttemptSchema = defineEntity({
  name: "Attempt",
  tableName: "attempts",
  properties: {
    /** What is counted, and a digest of whose attempts they are. */
    key: p.text().primary(),
    points: p.integer().default(0),
    /** When the count begins anew: milliseconds since 1970. */
    expire: p.bigint().index("attempts_expire_index"),
  },
});

/** A count of attempts; its columns are those that rate-limiter-flexible writes. */
export class Attempt extends AttemptSchema.class {}
AttemptSchema.setClass(Attempt);
