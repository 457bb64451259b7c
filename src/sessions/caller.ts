import type { UserType } from "../accounts/user.type.ts";

/** Who is calling: a live session and its active user. Requests of a session share it, frozen. */
export interface Caller {
  readonly user: Readonly<UserType>;
  readonly sessionId: string;
  /** When the password was last shown. */
  readonly authenticatedAt: Date;
  /** When the access token ends, or the session if that is sooner. */
  readonly expiresAt: Date;
}
