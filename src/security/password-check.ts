import type { KeyDerivation } from "./key-derivation.ts";

/** How a password is compared with one stored hash, and how the same time is spent without one. */
export interface PasswordCheck {
  /** Algorithm and parameters: checks of one kind take a time in proportion to their work. */
  readonly kind: string;
  /** 1, but for what is counted in iterations. */
  readonly work: number;
  /** What does that much work of the kind; all of it makes the key of a password. */
  derivation(work: number): KeyDerivation;
  /** Whether the password with that key is the right one. Compares in constant time. */
  accepts(key: Buffer): boolean;
}

/** A check whose work is all or nothing. */
export function indivisibleCheck(
  kind: string,
  derivation: KeyDerivation,
  accepts: PasswordCheck["accepts"],
): PasswordCheck {
  return { kind, work: 1, derivation: () => derivation, accepts };
}
