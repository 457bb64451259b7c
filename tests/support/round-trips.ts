/**
 * How many times a client waited for PostgreSQL, one time after the other. What is sent belongs to the trip after the
 * last one that was answered by then, on whatever connection: it may have needed that answer. What is sent at once, on one
 * connection or on several, is one trip.
 */
export class RoundTrips {
  #answered = 0;

  /** Trips since the start. */
  get count(): number {
    return this.#answered;
  }

  /** @returns the number of the trip, to be handed in with the answer */
  sent(): number {
    return this.#answered + 1;
  }

  answered(trip: number): void {
    this.#answered = Math.max(this.#answered, trip);
  }
}
