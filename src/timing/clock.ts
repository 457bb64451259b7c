/** Milliseconds that this machine's clock may differ from the database's. */
const tolerance = 5_000;

/** Milliseconds. Slower measurements are too inaccurate, unless the last one is stale. */
const longestTrip = 1_000;
const staleAfter = 60_000;

/** The gateway must not serve: the machine's clock is wrong. */
export class WrongClock extends Error {}

/**
 * The time by the database's clock, which all replicas share. Between two measurements it goes by the process's steady
 * clock, so that a jump of the machine's clock changes nothing. Until the first one it is the machine's.
 */
class Clock {
  private measured: { time: number; at: number } | undefined;

  /** Milliseconds since the epoch. */
  now(): number {
    if (this.measured === undefined) return Date.now();
    return this.measured.time + Math.max(0, performance.now() - this.measured.at);
  }

  /** Whole seconds since the epoch, as tokens have them. */
  seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Milliseconds since the last measurement. */
  age(): number {
    return performance.now() - (this.measured?.at ?? -Infinity);
  }

  /**
   * Takes the time from the database's answer.
   * @param time milliseconds since the epoch
   * @param sentAt when the query was sent, by `performance.now()`
   */
  measure(time: number, sentAt: number): void {
    const at = performance.now();
    const trip = at - sentAt;
    const isStale = this.measured === undefined || at - this.measured.at > staleAfter;
    // The database read its clock half-way.
    if (trip < 0) return;
    if (trip <= longestTrip || isStale) this.measured = { time: time + trip / 2, at };
  }

  /** @throws WrongClock while the machine's clock is wrong */
  check(): void {
    const ahead = Date.now() - this.now();
    if (Math.abs(ahead) <= tolerance) return;
    const seconds = (Math.abs(ahead) / 1000).toFixed(1);
    throw new WrongClock(
      `the clock of this machine is ${seconds} s ${ahead > 0 ? "ahead of" : "behind"} the database's: set it, best by NTP`,
    );
  }
}

/** One for the process, which has one database. */
export const clock = new Clock();
