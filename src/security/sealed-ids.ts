import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";

/** In ECB mode, but each id is one block and no two rows have the same: nothing of it repeats. */
const cipher = "aes-128-ecb";
const blockBytes = 16;
const paddingBytes = 8;

/**
 * Ids of one type for rows that are numbered: `prefix_` and 32 hex digits. A number would tell how many rows there are,
 * so it is encrypted. The same number always gives the same id.
 */
export class SealedIds {
  private readonly prefix: string;
  private readonly sealing;
  private readonly opening;

  /** @param prefix the name of the type in snake case */
  constructor(prefix: string, secret: string) {
    const key = Buffer.from(hkdfSync("sha256", secret, "", `gatehouse ids of ${prefix} v1`, 16));
    this.prefix = `${prefix}_`;
    this.sealing = createCipheriv(cipher, key, null).setAutoPadding(false);
    this.opening = createDecipheriv(cipher, key, null).setAutoPadding(false);
  }

  /** @param number a bigint of PostgreSQL that is not negative */
  seal(number: string): string {
    const block = Buffer.alloc(blockBytes);
    block.writeBigUInt64BE(BigInt(number), paddingBytes);
    return this.prefix + this.sealing.update(block).toString("hex");
  }

  /** The number of the row; undefined for what is no id of this type. */
  open(id: string): string | undefined {
    const digits = id.slice(this.prefix.length);
    if (!id.startsWith(this.prefix) || !/^[\da-f]{32}$/.test(digits)) return undefined;
    const block = this.opening.update(Buffer.from(digits, "hex"));
    if (block.readBigUInt64BE(0) !== 0n) return undefined;
    const number = block.readBigInt64BE(paddingBytes);
    return number < 0n ? undefined : String(number);
  }
}
