import type { Argon2Cost, Argon2Hash } from "./argon2-hash.ts";
import {
  decoyArgon2Hash,
  isPresentArgon2Hash,
  makeArgon2Hash,
  matchesArgon2Hash,
  parseArgon2Hash,
} from "./argon2-hash.ts";
import type { PasswordCheck } from "./django-passwords.ts";
import { djangoPasswordCheck } from "./django-passwords.ts";
import { HashSlots } from "./hash-slots.ts";

/** `memoryCost` in KiB; `concurrency` hashes run at once, `queueLimit` more wait. */
export interface PasswordHasherOptions extends Argon2Cost {
  concurrency: number;
  queueLimit: number;
}

export interface Verification {
  valid: boolean;
  /** Whether the password, being right, should be hashed anew and stored. */
  needsRehash: boolean;
}

interface StoredHash {
  matches: PasswordCheck;
  isPresent: boolean;
}

const maxStoredLength = 512;

/** What hashes rejects with ServiceUnavailable: at once when too many wait, and when nobody waits for it any more. */
export class PasswordHasher {
  readonly #cost: Argon2Cost;
  readonly #slots: HashSlots;
  readonly #decoy: Argon2Hash;

  constructor({ concurrency, queueLimit, ...cost }: PasswordHasherOptions) {
    this.#cost = cost;
    this.#slots = new HashSlots(concurrency, queueLimit);
    this.#decoy = decoyArgon2Hash(cost);
  }

  get running(): number {
    return this.#slots.running;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  /** For who would have to do other things first. @throws ServiceUnavailable when there is no room now */
  checkRoom(): void {
    this.#slots.checkRoom();
  }

  /** Hashes the UTF-8 bytes of a password, as they are, with argon2id into a PHC string. */
  async hash(password: string, abandoned?: AbortSignal): Promise<string> {
    return this.#slots.run(() => makeArgon2Hash(password, this.#cost), abandoned);
  }

  /** An unknown account (null) and a stored value that says nothing cost as much as a wrong password, and fail alike. */
  async verify(storedHash: string | null, password: string, abandoned?: AbortSignal): Promise<Verification> {
    const stored = storedHash === null ? undefined : this.#read(storedHash);
    return this.#slots.run(async () => {
      if (stored === undefined) await matchesArgon2Hash(this.#decoy, password);
      const valid = stored !== undefined && (await stored.matches(password));
      return { valid, needsRehash: valid && !stored.isPresent };
    }, abandoned);
  }

  #read(text: string): StoredHash | undefined {
    if (text.length > maxStoredLength) return undefined;
    return this.#readOwn(text) ?? this.#readDjangos(text);
  }

  #readOwn(text: string): StoredHash | undefined {
    const hash = parseArgon2Hash(text, this.#cost);
    if (hash === undefined) return undefined;
    const matches = (password: string) => matchesArgon2Hash(hash, password);
    return { matches, isPresent: isPresentArgon2Hash(hash, this.#cost) };
  }

  #readDjangos(text: string): StoredHash | undefined {
    // Django puts "argon2" before the PHC string.
    const own = text.startsWith("argon2$") ? this.#readOwn(text.slice("argon2".length)) : undefined;
    const matches = own?.matches ?? djangoPasswordCheck(text);
    return matches === undefined ? undefined : { matches, isPresent: false };
  }
}
