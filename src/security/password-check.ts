/** How a password is compared with one stored hash, and how the same time is spent without one. */
export interface PasswordCheck {
  /** Algorithm and parameters: checks of one kind take a time in proportion to their work. */
  readonly kind: string;
  /** 1, but for what is counted in iterations. */
  readonly work: number;
  matches(password: string): Promise<boolean>;
  /** Does that much work of the kind; nothing comes of it. */
  spend(password: string, work: number): Promise<unknown>;
}

/** A check whose work is all or nothing. */
export function indivisibleCheck(kind: string, matches: PasswordCheck["matches"]): PasswordCheck {
  return { kind, work: 1, matches, spend: matches };
}
