import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const cipher = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;
const form = "v1.";

/** What was sealed, and whether the present key sealed it. */
export interface Opened {
  secret: Buffer;
  sealedByPresentKey: boolean;
}

/**
 * Seals secrets for storage with AES-256-GCM (NIST SP 800-38D) under a key derived from a long text (HKDF-SHA-256).
 * The name of what is sealed is bound to it, so that one sealed secret cannot be put in the place of another.
 */
export class SealedSecrets {
  private readonly keys: Buffer[];

  /** @param encryptionKeys 32 bytes or more each; the first seals, all open */
  constructor(encryptionKeys: readonly string[]) {
    this.keys = encryptionKeys.map((key) =>
      Buffer.from(hkdfSync("sha256", key, "", "gatehouse sealed secrets v1", 32)),
    );
  }

  seal(secret: Buffer, name: string): string {
    const [key] = this.keys;
    if (key === undefined) throw new Error("There is no ENCRYPTION_KEY to seal with.");
    const iv = randomBytes(ivBytes);
    const sealing = createCipheriv(cipher, key, iv).setAAD(Buffer.from(name));
    const sealed = Buffer.concat([iv, sealing.update(secret), sealing.final(), sealing.getAuthTag()]);
    return form + sealed.toString("base64url");
  }

  /** Undefined when no key opens it: sealed by another key, for another name, or damaged. */
  open(sealed: string, name: string): Opened | undefined {
    if (!sealed.startsWith(form)) return undefined;
    const bytes = Buffer.from(sealed.slice(form.length), "base64url");
    for (const [index, key] of this.keys.entries()) {
      const secret = openWith(key, bytes, name);
      if (secret !== undefined) return { secret, sealedByPresentKey: index === 0 };
    }
    return undefined;
  }
}

function openWith(key: Buffer, bytes: Buffer, name: string): Buffer | undefined {
  if (bytes.length < ivBytes + tagBytes) return undefined;
  const opening = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
    .setAAD(Buffer.from(name))
    .setAuthTag(bytes.subarray(-tagBytes));
  try {
    return Buffer.concat([opening.update(bytes.subarray(ivBytes, -tagBytes)), opening.final()]);
  } catch {
    return undefined;
  }
}
