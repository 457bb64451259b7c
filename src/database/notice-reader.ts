/** Milliseconds from a notice to the read that it causes, at first and after reads that found nothing new. */
const shortestPause = 100;
const longestPause = 500;

/** Milliseconds without a notice after which the next one is answered as fast as the first. */
const forgivenAfter = 5_000;

/**
 * Turns notices of the database into reads. Any role that may connect can send a notice on any channel, so a notice is
 * a reason to read and never a fact. However many come, reads run one at a time with a pause before each.
 */
export class NoticeReader {
  private readonly read: () => Promise<boolean>;
  private pause = shortestPause;
  private lastEnd = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private isReading = false;
  private isNotified = false;

  /** @param read resolves with whether it found anything new; must not reject */
  constructor(read: () => Promise<boolean>) {
    this.read = read;
  }

  notified(): void {
    this.isNotified = true;
    if (this.isReading || this.timer !== undefined) return;
    if (performance.now() - this.lastEnd > forgivenAfter) this.pause = shortestPause;
    this.timer = setTimeout(() => void this.takeTurn(), this.pause).unref();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private async takeTurn(): Promise<void> {
    this.timer = undefined;
    this.isNotified = false;
    this.isReading = true;
    const foundAny = await this.read();
    this.isReading = false;
    this.lastEnd = performance.now();
    this.pause = foundAny ? shortestPause : Math.min(this.pause * 2, longestPause);
    if (this.isNotified) this.notified();
  }
}
