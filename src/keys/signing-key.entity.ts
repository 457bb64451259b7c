import { defineEntity, p } from "@mikro-orm/core";
import type { PublicJwk } from "../security/key-pair.ts";

const SigningKeySchema = defineEntity({
  name: "SigningKey",
  tableName: "signing_keys",
  properties: {
    /** The thumbprint of the public key (RFC 7638). */
    kid: p.text().primary(),
    publicJwk: p.json<PublicJwk>(),
    /** PKCS #8 under ENCRYPTION_KEY; gone once the key signs no more. */
    sealedPrivateKey: p.text().nullable().hidden(),
    createdAt: p.datetime().defaultRaw("now()"),
    /** Published at once, it signs from then on, until another one does. */
    signsFrom: p.datetime(),
    /** When the last token that it signed has expired; unset while it signs or will sign. */
    publishedUntil: p.datetime().nullable(),
  },
});

/** A key that signs tokens, will sign them, or has signed some that are still good. */
export class SigningKey extends SigningKeySchema.class {}
SigningKeySchema.setClass(SigningKey);
