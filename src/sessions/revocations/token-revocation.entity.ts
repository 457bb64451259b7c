import { defineEntity, p } from "@mikro-orm/core";

const TokenRevocationSchema = defineEntity({
  name: "TokenRevocation",
  tableName: "token_revocations",
  properties: {
    /** The id of a user, or "all". */
    subject: p.text().primary(),
    /** Tokens that were issued earlier are refused; a whole second, because `iat` is one. */
    issuedBefore: p.datetime(),
    revokedAt: p.datetime().defaultRaw("now()").index("token_revocations_revoked_at_index"),
  },
});

/** Refuses the earlier access tokens of a user, or of everybody, with those who verify them offline. */
export class TokenRevocation extends TokenRevocationSchema.class {}
TokenRevocationSchema.setClass(TokenRevocation);
