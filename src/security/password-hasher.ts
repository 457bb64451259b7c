import type { Argon2Cost } from "./argon2-hash.ts";
import {
  argon2Check,
  argon2HashStart,
  decoyArgon2Hash,
  isPresentArgon2Hash,
  makeArgon2Hash,
  parseArgon2Hash,
} from "./argon2-hash.ts";
import { djangoPasswordCheck } from "./django-passwords.ts";
import { HashSlots } from "./hash-slots.ts";
import type { HashPlace } from "./hash-slots.ts";
import type { DeriveKey } from "./key-derivation.ts";
import type { PasswordCheck } from "./password-check.ts";
import type { SharePath } from "../shares/share-tree.ts";

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
  check: PasswordCheck;
  isPresent: boolean;
}

const maxStoredLength = 512;

/** Beside the present one. Each makes every refusal dearer. */
const mostOtherKinds = 4;

/** What hashes rejects with ServiceUnavailable: at once when too many wait, and when nobody waits for it any more. */
export class PasswordHasher {
  readonly #cost: Argon2Cost;
  readonly #derive: DeriveKey;
  readonly #slots: HashSlots;
  /** By kind, the dearest check that accounts are known to need. */
  readonly #checks = new Map<string, PasswordCheck>();

  constructor({ concurrency, queueLimit, ...cost }: PasswordHasherOptions, derive: DeriveKey) {
    this.#cost = cost;
    this.#derive = derive;
    this.#slots = new HashSlots(concurrency, queueLimit);
    this.#remember(argon2Check(decoyArgon2Hash(cost)));
  }

  get running(): number {
    return this.#slots.running;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  /** Places that are kept for what is to be hashed yet. */
  get kept(): number {
    return this.#slots.kept;
  }

  /** When the present caller is to try again, in whole seconds; 0 where there is room. */
  get secondsUntilRoom(): number {
    return this.#slots.secondsUntilRoom;
  }

  /** The same for any caller. */
  secondsUntilRoomFor(path: SharePath): number {
    return this.#slots.secondsUntilRoomFor(path);
  }

  /** Whether there is room for everybody, whatever their share. */
  get hasRoomForAll(): boolean {
    return this.#slots.hasRoomForAll;
  }

  /** For what does other things before it hashes. @throws ServiceUnavailable, without beginning, as what hashes does */
  keepPlace<Result>(errand: (place: HashPlace) => Promise<Result>, abandoned?: AbortSignal): Promise<Result> {
    return this.#slots.keepPlace(errand, abandoned);
  }

  /** Hashes the UTF-8 bytes of a password, as they are, with argon2id into a PHC string. */
  async hash(password: string, abandoned?: AbortSignal): Promise<string> {
    return this.#slots.run(() => makeArgon2Hash(password, this.#cost, this.#derive), abandoned);
  }

  /** What the hashes begin with that need not be made anew. */
  get presentStart(): string {
    return argon2HashStart(this.#cost);
  }

  /** The kinds of hashes that a refusal costs the time of. */
  get kinds(): string[] {
    return [...this.#checks.keys()];
  }

  /** Lets refusals take the time of such hashes too. */
  learn(storedHash: string): void {
    const stored = this.#read(storedHash);
    if (stored !== undefined) this.#remember(stored.check);
  }

  /**
   * Every refusal costs one check of each kind of hash that is in use, whichever the account has: an unknown account
   * (null), and a stored value that says nothing, cost as much as a wrong password, and fail alike.
   */
  async verify(
    storedHash: string | null,
    password: string,
    abandoned?: AbortSignal,
    place?: HashPlace,
  ): Promise<Verification> {
    const stored = storedHash === null ? undefined : this.#read(storedHash);
    if (stored !== undefined) this.#remember(stored.check);
    return this.#slots.run(
      async () => {
        const valid = stored !== undefined && (await this.#isRight(stored.check, password));
        if (!valid) await this.#spendTheRest(stored?.check, password);
        return { valid, needsRehash: valid && !stored.isPresent };
      },
      abandoned,
      place,
    );
  }

  async #isRight(check: PasswordCheck, password: string): Promise<boolean> {
    return check.accepts(await this.#derive(password, check.derivation(check.work)));
  }

  async #spendTheRest(done: PasswordCheck | undefined, password: string): Promise<void> {
    for (const check of this.#checks.values()) {
      const missing = check.work - (check.kind === done?.kind ? done.work : 0);
      if (missing > 0) await this.#derive(password, check.derivation(missing));
    }
  }

  #remember(check: PasswordCheck): void {
    const known = this.#checks.get(check.kind);
    if (known === undefined ? this.#checks.size <= mostOtherKinds : known.work < check.work)
      this.#checks.set(check.kind, check);
  }

  #read(text: string): StoredHash | undefined {
    if (text.length > maxStoredLength) return undefined;
    return this.#readOwn(text) ?? this.#readDjangos(text);
  }

  #readOwn(text: string): StoredHash | undefined {
    const hash = parseArgon2Hash(text, this.#cost);
    if (hash === undefined) return undefined;
    return { check: argon2Check(hash), isPresent: isPresentArgon2Hash(hash, this.#cost) };
  }

  #readDjangos(text: string): StoredHash | undefined {
    // Django puts "argon2" before the PHC string.
    const own = text.startsWith("argon2$") ? this.#readOwn(text.slice("argon2".length)) : undefined;
    const check = own?.check ?? djangoPasswordCheck(text);
    return check === undefined ? undefined : { check, isPresent: false };
  }
}
