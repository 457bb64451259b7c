import type { Logger } from "pino";
import { within } from "../timing/time-limit.ts";
import { LiveSessions } from "./live-sessions.ts";

/** Other processes that answer as one replica with this one. */
export interface Siblings {
  /** Resolves when each of them has forgotten these ids (see `LiveSessions.forget`). */
  forget(ids: readonly string[]): Promise<void>;
  /** Whether what they change is heard; while it is not, nothing is to be taken from memory. @param now by `performance.now()` */
  isHeard(now: number): boolean;
}

/** Milliseconds. Who does not answer in time hears it of the database, too. */
const longestTelling = 1_000;

/** What this process changes is forgotten by this replica before who changed it is answered. */
export class OwnChanges {
  readonly channel = LiveSessions.channel;
  private readonly forget: (id: string) => void;
  private readonly siblings: Siblings | undefined;
  private readonly logger: Pick<Logger, "warn">;

  constructor(forget: (id: string) => void, siblings: Siblings | undefined, logger: Pick<Logger, "warn">) {
    this.forget = forget;
    this.siblings = siblings;
    this.logger = logger;
  }

  notified(ids: readonly string[]): Promise<void> | undefined {
    for (const id of ids) this.forget(id);
    if (this.siblings === undefined) return undefined;
    return within(longestTelling, this.siblings.forget(ids)).catch((error: unknown) =>
      this.logger.warn({ err: error }, "other processes of this replica could not be told of a change"),
    );
  }
}
