import type { EntityManager } from "@mikro-orm/postgresql";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { SealedSecrets } from "../security/sealed-secrets.ts";
import { sharedSecret } from "../security/token-keys.ts";
import type { TokenKeys } from "../security/token-keys.ts";
import { KeyRing } from "./key-ring.ts";
import { KeyRotation } from "./key-rotation.ts";

/** The keys of the configured algorithm: one shared secret, or a ring that rotates. */
export function configuredKeys(
  em: EntityManager,
  config: Config,
  secrets: { jwtSecret: string | undefined; encryptionKeys: readonly string[] },
  logger: Logger,
): { keys: TokenKeys; ring?: KeyRing; rotation?: KeyRotation } {
  if (config.jwtAlgorithm === "HS256") {
    if (secrets.jwtSecret === undefined) throw new Error("JWT_ALGORITHM=HS256 needs JWT_SECRET.");
    return { keys: sharedSecret(secrets.jwtSecret) };
  }
  const sealing = new SealedSecrets(secrets.encryptionKeys);
  const rotation = new KeyRotation(em, sealing, {
    algorithm: config.jwtAlgorithm,
    rotation: config.keyRotation,
    publishAhead: config.keyPublishAhead,
    accessTokenTtl: config.sessionLimits.accessTokenTtl,
  });
  const ring = new KeyRing(em, sealing, rotation, logger);
  return { keys: ring, ring, rotation };
}
