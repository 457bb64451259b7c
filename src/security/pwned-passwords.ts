import { createHash } from "node:crypto";

/** A padded answer of the public service has some 40 kB. */
const longestAnswer = 256 * 1024;
/** The slowest answer still waited for, in milliseconds. */
const patience = 1000;
const mostAtOnce = 32;

const line = /^([\dA-F]{35}):(\d{1,15})$/i;

/**
 * Asks a Have-I-Been-Pwned range service, which learns no more of a password than 20 bits of its SHA-1.
 * See https://haveibeenpwned.com/API/v3#PwnedPasswords.
 */
export class PwnedPasswords {
  private readonly rangeUrl: string;
  private asking = 0;

  /** @param rangeUrl what the five hex digits are put behind */
  constructor(rangeUrl: string) {
    this.rangeUrl = rangeUrl;
  }

  /** @throws when there is no usable answer within a second; the error has nothing of the password */
  async has(password: string): Promise<boolean> {
    if (this.asking >= mostAtOnce) throw new Error(`${mostAtOnce} passwords are being looked up already`);
    this.asking += 1;
    try {
      const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
      return hasSuffix(await this.range(hash.slice(0, 5)), hash.slice(5));
    } catch (error) {
      throw new Error(reasonOf(error as Error), { cause: error });
    } finally {
      this.asking -= 1;
    }
  }

  private async range(prefix: string): Promise<string> {
    const answer = await fetch(this.rangeUrl + prefix, {
      headers: { "add-padding": "true" },
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new Error(`the answer has status ${answer.status}`);
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body ?? []) {
      length += chunk.length;
      // Leaving the loop ends the connection.
      if (length > longestAnswer) throw new Error(`the answer is longer than ${longestAnswer} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("latin1");
  }
}

/** Why a connection failed stands in the cause of what fetch throws. */
function reasonOf({ message, cause }: Error): string {
  const { message: reason, code } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return reason || code || message;
}

function hasSuffix(range: string, suffix: string): boolean {
  let found = false;
  for (const text of range.trimEnd().split(/\r?\n/)) {
    const [, other, count] = line.exec(text) ?? [];
    if (other === undefined) throw new Error("the answer is no list of hashes");
    // The lines that pad an answer have the count 0.
    if (other.toUpperCase() === suffix && Number(count) > 0) found = true;
  }
  return found;
}
